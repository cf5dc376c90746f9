"""Rows of maintenance and security on their way to disk, and what is told to the backend as a notification."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.replies import deferred
from park.ocpp.link import BackendCalled, Payload, SendResult
from park.ocpp.maintenance import SecurityEvent
from park.ocpp.notifications import Notifications
from park.ocpp.state import CentralSystem

NOTIFIED_FROM = 1  # the white paper's messages are for who uses its profiles; others get plain OCPP 1.6

Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]


class KeptCommit(Struct, frozen=True):
    """`then` waits for rows; `otherwise` is what their failure means beside the alarm."""

    then: tuple[CentralSystemEffect, ...] = ()
    otherwise: Callable[[CentralSystem, Now], Turn] | None = None

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        if on_disk:
            return state, self.then
        return (state, ()) if self.otherwise is None else self.otherwise(state, now)


def keep(
    state: CentralSystem,
    writes: tuple[Put | Delete, ...],
    then: tuple[CentralSystemEffect, ...] = (),
    otherwise: Callable[[CentralSystem, Now], Turn] | None = None,
) -> Turn:
    """Write; `then` happens when it is on disk, `otherwise` when the disk refuses."""
    if not writes:
        return state, then
    return deferred(state, writes, KeptCommit(then, otherwise))


def notify(state: CentralSystem, action: str, payload: Payload) -> Turn:
    """Queue a notification; nothing waits for its row, which only a restart reads."""
    if not state.settings.enabled:
        return state, ()
    return settle(state, state.upkeep.notifications.offer(action, payload))


def settle(state: CentralSystem, change: tuple[Notifications, tuple[Put | Delete, ...]]) -> Turn:
    """Take a change of the notifications."""
    notifications, writes = change
    return keep(replace(state, upkeep=replace(state.upkeep, notifications=notifications)), writes)


def secured(state: CentralSystem, kind: str, info: str, now: Now) -> Turn:
    """Note a security event in the log, and tell the backend from profile 1 on."""
    event = SecurityEvent(kind, now.wall, info)
    connection = state.upkeep.connection
    if connection is None or connection.used.profile < NOTIFIED_FROM:
        return state, (event,)
    state, effects = notify(state, "SecurityEventNotification", event.payload())
    return state, (event, *effects)


def say(state: CentralSystem, said: tuple[str, Payload] | None) -> Turn:
    """A notification, or none when there is no word for it."""
    return (state, ()) if said is None else notify(state, *said)


def result(state: CentralSystem, call: BackendCalled, payload: Payload) -> tuple[CentralSystemEffect, ...]:
    return () if state.link is None else (SendResult(call.unique_id, call.action, payload, state.link),)

"""A queue as full as it may be: no session begins until there is room, and nothing is lost (B-016, B-017, B-019)."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import BACKEND_QUEUE, BackendQueue, SettingChanged
from park.model.alarm import Alarm
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, SettingsRepeated
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.state import CentralSystem

NO_END = 0  # of the key: the disk's space bounds the queue


def _standing(state: CentralSystem) -> BackendQueue:
    capacity = state.values.number("OcppQueueCapacity")
    if capacity == NO_END or len(state.queue.backlog) < capacity:
        return BackendQueue.ROOM
    return BackendQueue.ERROR if state.values.switch("OcppQueueFullAsErrorState") else BackendQueue.FULL


def _settle(state: CentralSystem, now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    """Charge points hear of every change; the first time the operator does."""
    standing = _standing(state)
    if standing is state.queue_told:
        return state, ()
    filled = state.queue_told is BackendQueue.ROOM
    state = replace(state, queue_told=standing)
    told = tuple(effect for point in state.settings.points.values() for effect in _repeat(state, point))
    return state, (*told, *((_alarm(state),) if filled else ()))


def _alarm(state: CentralSystem) -> Alarm:
    text = (
        f"{len(state.queue.backlog)} transaction messages wait for the backend, as many as OcppQueueCapacity allows: "
        "no session begins until some are delivered; see why the backend is away, or raise OcppQueueCapacity"
    )
    return Alarm("ocpp-queue-full", text)


def _repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    if point not in state.settings.points.values():
        return ()
    return (SettingsRepeated(point, (SettingChanged(BACKEND_QUEUE, state.queue_told.value),)),)


FEATURE = Feature({}, settle=_settle, repeat=_repeat)

"""The central system looks after its connection: trials of new settings, the way back, and who was refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.model.alarm import Alarm
from park.model.storage import Row
from park.model.time import Now
from park.ocpp import answers
from park.ocpp.connection import Connections, ConnectionSettings
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.replies import deferred
from park.ocpp.keeping import Turn, keep, secured
from park.ocpp.link import LinkLost, LossCause, UseConnection
from park.ocpp.registration import Registration
from park.ocpp.security import OF_LOSS, RECONFIGURED
from park.ocpp.state import CentralSystem

Answers: TypeAlias = tuple[CentralSystemEffect, ...]


def begin(state: CentralSystem, rows: Iterable[Row]) -> Turn:
    """The rows are there: what the link edge is to connect with."""
    connection = state.settings.connections(rows)
    state = _with(state, connection)
    return state, _use(state)


def attend(state: CentralSystem, now: Now) -> Turn:
    """A registration proves the settings in use; a trial that took too long ends with the last good ones."""
    connection = state.upkeep.connection
    if connection is None or not state.loaded:
        return state, ()
    if state.link is not None and state.registration.accepted:
        if connection.good is connection.used:
            return state, ()
        connection = connection.registered()
        return keep(_with(state, connection), (connection.row(),))
    if connection.on_trial:
        connection = connection.watched(now.mono)
        state = _with(state, connection)
        if connection.trial_ends is not None and now.mono >= connection.trial_ends:
            return _given_up(state, connection, now)
    return state, ()


def _given_up(state: CentralSystem, connection: Connections, now: Now) -> Turn:
    tried, connection = connection.chosen, connection.given_up()
    text = (
        f"the backend {tried.url} did not register this park with security profile {tried.profile} "
        f"({state.link_reason or 'connected, not accepted'}); the last settings that worked are used again: "
        f"{connection.used.url}, profile {connection.used.profile}"
    )
    state, effects = _reconnect(_with(state, connection), text)
    state, more = keep(state, (connection.row(),))
    state, told = secured(state, RECONFIGURED, "connection settings fell back to the last that worked", now)
    return state, (Alarm("backend-settings-fallback", text), *effects, *more, *told)


def change(state: CentralSystem, accepted: Answers, refused: Answers, chosen: ConnectionSettings, info: str) -> Turn:
    """Other settings: answered and used when they are on disk. `info`: for the security log."""
    connection = state.upkeep.connection
    if connection is None:
        return state, refused
    if connection.chosen == chosen:
        return state, accepted
    purpose = ConnectionCommit(accepted, refused, chosen, info)
    return deferred(state, (replace(connection, chosen=chosen).row(),), purpose)


class ConnectionCommit(Struct, frozen=True):
    """A change of the connection itself, and its answers."""

    accepted: Answers
    refused: Answers
    chosen: ConnectionSettings
    info: str

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        """The answer goes out before the connection it came on is ended."""
        connection = state.upkeep.connection
        if connection is None or not on_disk:
            return state, self.refused
        state, told = secured(state, RECONFIGURED, self.info, now)
        state = _with(state, connection.changed(self.chosen, now.mono))
        state, effects = _reconnect(state, "connecting with the settings the backend gave")
        return state, (*self.accepted, *effects, *told)


def _reconnect(state: CentralSystem, why: str) -> Turn:
    """Nothing more is said on the old connection, and the backend registers this station anew."""
    state, effects = answers.link_lost(state, why)
    return replace(state, registration=Registration()), (*effects, *_use(state))


def lost(state: CentralSystem, event: LinkLost, now: Now) -> Turn:
    """The link is down; a refusal is a security event, once as long as it stays the same."""
    state, effects = answers.link_lost(state, event.reason)
    before = state.upkeep.loss
    if not state.loaded:
        return state, effects
    state = replace(state, upkeep=replace(state.upkeep, loss=event.cause))
    if event.cause in (before, LossCause.NETWORK):
        return state, effects
    state, more = secured(state, OF_LOSS[event.cause], event.reason, now)
    return state, (*effects, *more)


def _use(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    connection, values = state.upkeep.connection, state.values
    if connection is None:
        return ()
    return (UseConnection(connection.used, float(values.number("MessageResponseTimeOut"))),)


def _with(state: CentralSystem, connection: Connections | None) -> CentralSystem:
    return replace(state, upkeep=replace(state.upkeep, connection=connection))

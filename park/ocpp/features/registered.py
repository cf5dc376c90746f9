"""Whether the backend has ever registered this park at its present address: the authorizer may need it (B-195)."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import BACKEND_REGISTERED, RepeatSettings, SettingChanged
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, TellAuthorizer
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.state import CentralSystem


def _is_registered(state: CentralSystem) -> bool:
    """Known from the rows after a restart. Without settings of its own somebody else looks after the connection."""
    connection = state.upkeep.connection
    if connection is None:
        return state.registration.accepted
    return connection.good is not None and connection.good.url == connection.used.url


def _settle(state: CentralSystem, now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    registered = _is_registered(state)
    if registered is state.registered_told:
        return state, ()
    state = replace(state, registered_told=registered)
    return state, _told(state)


def _told(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    return (TellAuthorizer(SettingChanged(BACKEND_REGISTERED, value=state.registered_told)),)


def _repeat(state: CentralSystem, who: str) -> tuple[CentralSystemEffect, ...]:
    return _told(state) if who == RepeatSettings.AUTHORIZER else ()


FEATURE = Feature({}, settle=_settle, repeat=_repeat)

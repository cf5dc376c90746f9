"""What smart charging knows at a moment: sessions, settings, and the profiles that are installed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from park.model.storage import Delete, Put
from park.model.time import Now, milliseconds
from park.ocpp.effects import CentralSystemEffect, Write
from park.ocpp.keys import KeyValues
from park.ocpp.profiles.profile import SECOND
from park.ocpp.profiles.ruling import Charging, Rules
from park.ocpp.profiles.stack import STATION
from park.ocpp.rows import Transaction
from park.ocpp.state import CentralSystem

NO_TOKEN = 0  # of a commit nobody waits for


def changed(state: CentralSystem, **changes: object) -> CentralSystem:
    """The state with another part of its smart charging."""
    return replace(state, smart_charging=replace(state.smart_charging, **changes))


def unanswered(writes: Iterable[Put | Delete]) -> tuple[CentralSystemEffect, ...]:
    """A disk that refuses costs a profile its life over a restart, not its effect now."""
    found = tuple(writes)
    return (Write(found, NO_TOKEN),) if found else ()


def offset(now: Now) -> float:
    return now.wall.timestamp() - now.mono


def running(state: CentralSystem) -> dict[int, Transaction]:
    return {known.start.connector: known for known in state.queue.transactions.all_running()}


def sessions(state: CentralSystem) -> tuple[tuple[int, str], ...]:
    return tuple((known.start.connector, known.session) for known in state.queue.transactions.all_running())


def charging(state: CentralSystem) -> dict[int, Charging]:
    return {
        connector: Charging(known.session, milliseconds(known.start.at)) for connector, known in running(state).items()
    }


def rules(state: CentralSystem) -> dict[int, Rules]:
    """By connector, 0 the station's: a connector or a board may have settings of its own."""
    places = {number: state.settings.places(number) for number in state.settings.points}
    return {STATION: _rules(state.values, ()), **{number: _rules(state.values, at) for number, at in places.items()}}


def _rules(values: KeyValues, places: tuple[str, ...]) -> Rules:
    away = values.text_at("SmartChargingUseDisconnectedLimit", *places) == "true"
    disconnected_ma = int(values.text_at("SmartChargingDisconnectedLimit", *places)) * 1_000
    return Rules(
        enabled=values.text_at("SmartChargingEnabled", *places) == "true",
        nominal_ma=int(values.text_at("NominalAmperage", *places)) * 1_000,
        nominal_period=int(values.text_at("NominalPeriod", *places)) * SECOND,
        disconnected_ma=disconnected_ma if away else None,
    )

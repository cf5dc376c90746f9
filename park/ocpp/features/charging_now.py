"""What smart charging knows at a moment: sessions, settings, and the profiles that are installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from park.model.storage import Delete, Put
from park.model.time import Now, milliseconds
from park.ocpp.effects import CentralSystemEffect, Write
from park.ocpp.profiles.profile import SECOND
from park.ocpp.profiles.ruling import Charging, Rules
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


def rules(state: CentralSystem) -> Rules:
    values = state.values
    away = values.switch("SmartChargingUseDisconnectedLimit")
    return Rules(
        enabled=values.switch("SmartChargingEnabled"),
        nominal_ma=values.number("NominalAmperage") * 1_000,
        nominal_period=values.number("NominalPeriod") * SECOND,
        disconnected_ma=values.number("SmartChargingDisconnectedLimit") * 1_000 if away else None,
    )

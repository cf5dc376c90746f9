"""Faults that came and went while the backend was away: on wish they are told afterwards, with their times (B-198)."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import ConnectorStatusChanged
from park.ocpp.state import CentralSystem
from park.ocpp.statuses import NO_ERROR

MOST = 100  # ours: a day of a connector that comes and goes; beyond it the oldest are given up


def missing(state: CentralSystem, event: ConnectorStatusChanged) -> CentralSystem:
    """Remember the fault that this status takes the place of, if nobody was told of it."""
    line = state.statuses.lines.get(event.connector)
    if line is None or not line.news or line.current.error_code == NO_ERROR or _hears(state):
        return state
    if event.error_code == line.current.error_code or not state.values.switch("ReportResolvedFaults"):
        return state
    return replace(state, missed=(*state.missed, line.current)[-MOST:])


def _hears(state: CentralSystem) -> bool:
    return state.link is not None and state.registration.accepted


def told(state: CentralSystem, changed: ConnectorStatusChanged) -> CentralSystem:
    """It is on its way."""
    return replace(state, missed=state.missed[1:]) if state.missed[:1] == (changed,) else state

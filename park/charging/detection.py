"""Which faults are there now, judged from levels: a fault ends when its cause does."""

from __future__ import annotations

import math

from park.charging import faults, outbox, vehicle
from park.charging.faults import FaultKind
from park.charging.lock import LockFault
from park.charging.proximity import ProximityFault
from park.charging.settings import Outlet
from park.charging.state import ChargePointState
from park.model.access import BackendQueue
from park.model.evse import EvseReported, PilotOutput, PilotState
from park.model.time import Now

METER_PATIENCE_SECONDS = 10.0  # after a start, before a meter that never answered is a fault

LOCK_FAULTS = {
    LockFault.CANNOT_LOCK: faults.CANNOT_LOCK,
    LockFault.CANNOT_UNLOCK: faults.CANNOT_UNLOCK,
    LockFault.UNEXPECTED_OPEN: faults.LOCK_OPENED,
    LockFault.UNEXPECTED_CLOSE: faults.LOCK_CLOSED,
}
PROXIMITY_FAULTS = {
    ProximityFault.MISSING: faults.NO_CABLE,
    ProximityFault.INVALID: faults.CABLE_INVALID,
}

Found = list[tuple[FaultKind, str]]


def latch(state: ChargePointState) -> None:
    """Remember until the vehicle leaves: a ground fault while charging (B-244), a wish for ventilation (B-104)."""
    report = state.evse
    if report is None or not state.vehicle.present:
        state.ground_fault = state.ventilation = False
        return
    if report.faults and "rcd" in report.faults and state.session.is_open:
        state.ground_fault = True
    if report.pilot is PilotState.D and not state.settings.accept_state_d:
        state.ventilation = True


def detect(state: ChargePointState, now: Now) -> None:
    """Find the faults of this moment."""
    found: Found = []
    if state.lost is not None:
        found.append((faults.EVSE_LOST, state.lost))
    elif state.evse is not None:
        _at_the_device(state, state.evse, found)
        _at_the_plug(state, now.mono, found)
    _around(state, now.mono, found)
    if found or state.faults:
        renewed = faults.renewed(state.faults, found, now.wall)
        if renewed != state.faults:
            state.faults = renewed


def deadlines(state: ChargePointState) -> tuple[float, ...]:
    """When a fault may come by itself."""
    silent_meter = state.settings.meter is not None and state.reading is None
    if state.recovered and not silent_meter and state.vehicle.proximity is None:
        return ()
    return (
        state.vehicle.proximity_since + vehicle.PROXIMITY_SETTLE_SECONDS,
        state.started_at + METER_PATIENCE_SECONDS,
        state.started_at + outbox.SILENT_SECONDS,
    )


def _at_the_device(state: ChargePointState, report: EvseReported, found: Found) -> None:
    stuck = state.contactor.failed or (state.poles is not None and state.poles.stuck is not None)
    if stuck:
        found.append((faults.CONTACTOR, ""))
    if report.pilot is PilotState.E and report.output is not PilotOutput.ZERO:
        found.append((faults.PILOT_SHORTED, ""))
    if report.pilot is PilotState.F and report.output is not PilotOutput.FAULT:
        found.append((faults.PILOT_UNAVAILABLE, ""))
    if state.ground_fault:
        found.append((faults.GROUND_FAULT, ""))
    if state.overdraw.paused_until > -math.inf:
        found.append((faults.OVERCURRENT, ""))
    for name in report.faults:
        kind = _device_fault(state, name)
        if kind is not None and not (kind is faults.CONTACTOR and stuck):
            found.append((kind, name if kind is faults.DEVICE else ""))


def _device_fault(state: ChargePointState, name: str) -> FaultKind | None:
    if name == "rcd":
        return None if state.ground_fault else faults.SPURIOUS_RCD
    if name == "lock":
        return faults.CANNOT_UNLOCK if state.lock.wanted is False else faults.CANNOT_LOCK
    return faults.DEVICE_FAULTS.get(name, faults.DEVICE)


def _at_the_plug(state: ChargePointState, mono: float, found: Found) -> None:
    standing = state.vehicle
    if state.lock.fault is not None:
        found.append((LOCK_FAULTS[state.lock.fault], ""))
    if not standing.present:
        return
    if state.ventilation:
        found.append((faults.VENTILATION, ""))
    missing = vehicle.proximity_fault(standing, mono)
    if missing is not None:
        found.append((PROXIMITY_FAULTS[missing], ""))
    if standing.cable_changed:
        found.append((faults.CABLE_CHANGED, ""))
    smallest = state.settings.reject_cables_below_ma
    if state.settings.outlet is Outlet.SOCKET and standing.cable_ma is not None and standing.cable_ma < smallest:
        found.append((faults.CABLE_TOO_SMALL, f"{standing.cable_ma // 1000} A"))


def _around(state: ChargePointState, mono: float, found: Found) -> None:
    if state.settings.meter is not None and not state.meter_fresh:
        silent = state.reading is None and mono >= state.started_at + METER_PATIENCE_SECONDS
        if silent or state.reading is not None:
            found.append((faults.METER_LOST, state.settings.meter))
    unasked = not state.recovered and mono >= state.started_at + outbox.SILENT_SECONDS
    if unasked or outbox.is_silent(state.outbox, mono):
        found.append((faults.STORE_SILENT, ""))
    if state.settings.backend_queue is BackendQueue.ERROR:
        found.append((faults.QUEUE_FULL, ""))

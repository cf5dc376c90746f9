"""Metrics of charge points: what they may take, offer and draw, per phase, and what ails them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nodes.metrics.family import Sample, Samples, counter, gauge
from park.model.electric import PHASE_NAMES
from park.model.evse import PilotState
from park.view import ChargePointRow, ParkView

POINT = ("node", "charge_point", "connector")
PHASE = (*POINT, "phase")


def _labels(row: ChargePointRow) -> tuple[str, str, str]:
    return (row.node, row.name, "" if row.connector is None else str(row.connector))


def _each(value: Callable[[ChargePointRow], float | None]) -> Samples:
    def samples(view: ParkView) -> Iterator[Sample]:
        for row in view.charge_points:
            figure = value(row)
            if figure is not None:
                yield _labels(row), figure

    return samples


def _circuits(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        yield (*_labels(row), row.circuit or ""), 1


def _states(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        if row.state is not None:
            labels = _labels(row)
            for state in PilotState:
                yield (*labels, state.value), state is row.state


def _granted(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        if row.grant is not None:
            labels, amperes = _labels(row), row.grant.amps_ma / 1000
            for number in row.phases:
                yield (*labels, PHASE_NAMES[number - 1]), amperes if number in row.grant.phases else 0


def _signalled(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        if row.signalled_ma is not None:
            labels, amperes = _labels(row), row.signalled_ma / 1000
            for number in row.phases:
                yield (*labels, PHASE_NAMES[number - 1]), amperes


def _measured(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        if row.measured_ma is not None:
            labels = _labels(row)
            for name, current in zip(PHASE_NAMES, row.measured_ma, strict=True):
                yield (*labels, name), current / 1000


def _faults(view: ParkView) -> Iterator[Sample]:
    for row in view.charge_points:
        for code in dict.fromkeys(fault.code for fault in row.faults):
            yield (*_labels(row), code), 1


def _fallback(row: ChargePointRow) -> float | None:
    return None if row.fallback_ma is None else row.fallback_ma / 1000


def _physical(row: ChargePointRow) -> float | None:
    return None if row.physical_ma is None else row.physical_ma / 1000


def _session_active(row: ChargePointRow) -> float | None:
    return None if row.ocpp_status is None else row.session is not None


def _session_energy(row: ChargePointRow) -> float | None:
    return None if row.session is None else row.session.energy_wh


def _fault_count(row: ChargePointRow) -> float | None:
    return None if row.ocpp_status is None else len(row.faults)


CHARGE_POINTS = (
    gauge("charge_point_info", "Always 1; the circuit the point hangs on.", (*POINT, "circuit"), _circuits),
    gauge("charge_point_state", "1 for the present state (IEC 61851-1), 0 for others.", (*POINT, "state"), _states),
    gauge("charge_point_granted_amperes", "What the coordinator allows.", PHASE, _granted),
    gauge("charge_point_signalled_amperes", "What the control pilot offers.", PHASE, _signalled),
    gauge("charge_point_measured_amperes", "What the point's meter reads.", PHASE, _measured),
    gauge("charge_point_fallback_amperes", "What the point falls to without a grant.", POINT, _each(_fallback)),
    gauge(
        "charge_point_physical_limit_amperes",
        "Smallest of the fuses above, the charge point and the cable in it; limits that change aside.",
        POINT,
        _each(_physical),
    ),
    counter("charge_point_energy_watthours", "Import register of the point.", POINT, _each(lambda row: row.energy_wh)),
    gauge("charge_point_session_active", "1 while a session is open.", POINT, _each(_session_active)),
    gauge("charge_point_session_energy_watthours", "Energy of the open session.", POINT, _each(_session_energy)),
    gauge("charge_point_faults", "Number of present faults.", POINT, _each(_fault_count)),
    gauge("charge_point_fault", "1 for each present fault; source is its code.", (*POINT, "source"), _faults),
)

"""The views of the coordinator's state, repeated only when they changed."""

from __future__ import annotations

from collections.abc import Iterator

from park.load.limits import HeldLimit, Validity
from park.load.report import CircuitReported, LimitReported, LimitsReported, ShareReported
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import ZERO, PerPhase, highest


def reports(state: CoordinatorState, now: float) -> Iterator[CircuitReported | ShareReported | LimitsReported]:
    """Circuits, shares and limits that differ from what was reported last."""
    limits = LimitsReported(tuple(_limit(held) for held in state.limits.everything()))
    if limits != (state.limits_reported or LimitsReported(())):
        state.limits_reported = limits
        yield limits
    each = state.committed_ma(now)
    for circuit, committed in zip(state.circuits, state.summed_ma(each), strict=True):
        report = _circuit(state, circuit, committed, now)
        if report != circuit.reported:
            circuit.reported = report
            yield report
    for point in state.points:
        name = point.placement.charge_point
        share = ShareReported(
            charge_point=name,
            target_ma=point.target_ma,
            granted_ma=point.held_ma(now),
            committed_ma=max(each[point]),
            confirmed=not point.commitment.leases.unconfirmed,
            reason=point.reason,
        )
        if share != state.shares_reported.get(name):
            state.shares_reported[name] = share
            yield share


def _circuit(state: CoordinatorState, circuit: CircuitState, committed: PerPhase, now: float) -> CircuitReported:
    external = circuit.external
    return CircuitReported(
        circuit=circuit.circuit.name,
        parent=circuit.circuit.parent,
        limit_ma=circuit.limit_ma(),
        external_ma=external.possible_ma,
        available_ma=highest(circuit.available_ma(), ZERO),
        committed_ma=committed,
        measured_ma=external.meter_ma if circuit.circuit.meter_sees_charging else None,
        bound_by=circuit.bound_by(),
        meter=external.quality,
        unconfirmed=tuple(p.placement.charge_point for p in circuit.points if p.commitment.leases.unconfirmed),
        silent=tuple(p.placement.charge_point for p in circuit.points if not p.reachable(now)),
        holding=state.holding_until is not None,
    )


def _limit(held: HeldLimit) -> LimitReported:
    limit, over = held.limit, held.validity is Validity.EXPIRED
    return LimitReported(
        target=limit.target,
        kind=held.word,
        source=limit.source,
        limit_ma=held.after_ma if over else limit.limit_ma,
        limit_w=None if over else limit.limit_w,
        priority=limit.priority,
        until=None if over else held.until,
    )

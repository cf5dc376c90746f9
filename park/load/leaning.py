"""Raises below a limit of imbalance: no phase runs ahead of what the others have been granted (B-091, S6).

Two plans may both be in balance while what lies between them is not: reductions are under way, and who was raised a
moment ago waits before the next raise. So a raise counts against the most that may flow on its phase and the least
that was granted on the others, this very batch of raises included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from park.load.admission import Request
from park.load.circuit import LIMITS
from park.load.fair.adrift import lay
from park.load.fair.balance import Balance, Scales
from park.load.fair.rounding import level_again
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import ZERO, PerPhase, add, on_phases


class Rise(NamedTuple):
    """A charge point that may be raised to `amps_ma` as far as fuses go."""

    point: Point
    amps_ma: int


def upright(state: CoordinatorState, rises: Sequence[Rise], now: float) -> list[int]:
    """The mA each may be raised to, in this order: the first in their turn keep their minimum rather than the last.

    Where nothing is under way and all rise at once that is all they ask for, as the plan was in balance.
    """
    currents = [rise.amps_ma for rise in rises]
    if not rises or all(each.circuit.imbalance_ma is None for each in state.circuits):
        return currents
    served, scales = _weighed(state, rises, currents, now)
    if scales.tilted():
        served, scales = _weighed(state, rises, [request.minimum_ma for request in served], now)
        level_again(served, currents, scales)
        _unseat(rises, served, currents, scales, now)
    return currents


def _weighed(
    state: CoordinatorState, rises: Sequence[Rise], surely_ma: Sequence[int], now: float
) -> tuple[Sequence[Request], Scales]:
    """All that may flow, on the scales. `surely_ma`: of these rises; what they are promised beyond it counts too."""
    surely = {rise.point: current for rise, current in zip(rises, surely_ma, strict=True)}
    speaking = state.who_speaks(now)
    beside = {
        point: _flows(point, surely.get(point), now, speaks=point.board.name in speaking) for point in state.points
    }
    balances = [
        _balance(number, circuit, beside)
        for number, circuit in enumerate(state.circuits)
        if circuit.circuit.imbalance_ma is not None
    ]
    room = [0] * (LIMITS * len(state.circuits))  # fuses have been looked at
    served, _, marked = lay([_request(rise, now) for rise in rises], room, balances)
    scales = Scales(marked)
    for request, rise in zip(served, rises, strict=True):
        scales.put(request.lines, rise.amps_ma)
    return served, scales


def _request(rise: Rise, now: float) -> Request:
    """Its minimum is what it has; of one that has nothing yet what it begins with."""
    at = rise.point.placement
    return Request(
        at.charge_point,
        rise.point.lines,
        max(rise.point.held_ma(now), rise.point.minimum_ma()),
        rise.amps_ma,
        priority=at.priority,
        weight=at.weight,
        resolution_ma=at.resolution_ma,
        adrift=rise.point.adrift,
    )


def _unseat(rises: Sequence[Rise], served: Sequence[Request], currents: list[int], scales: Scales, now: float) -> None:
    """Whose minimum alone is too much begins later, the last in their turn first."""
    for number in reversed(range(len(rises))):
        held, tips = rises[number].point.held_ma(now), scales.of[served[number].lines].tips
        if held < served[number].minimum_ma and any(scales.room[difference] < 0 for difference in tips):
            scales.put(served[number].lines, held - currents[number])
            currents[number] = held


Flows: TypeAlias = tuple[PerPhase, PerPhase]
"""mA at most and at least."""


def _flows(point: Point, surely_ma: int | None, now: float, *, speaks: bool) -> Flows:
    """The same as plans count; idle ones are nothing."""
    if not speaks or point.deaf(now) or (point.overdraw.held_ma != ZERO and point.defies(now)):
        return point.committed_ma(now), point.surely_ma(now)
    if not point.wants:
        return ZERO, ZERO
    if surely_ma is not None:
        return on_phases(max(0, point.promised_ma(now) - surely_ma), point.counted_phases(now)), ZERO
    granted = ZERO if point.adrift else on_phases(min(point.held_ma(now), point.target_ma), point.phases)
    return point.may_draw_ma(now), granted


def _balance(number: int, circuit: CircuitState, beside: Mapping[Point, Flows]) -> Balance:
    most = least = circuit.external.planned.held_ma if circuit.circuit.imbalance_counts_external else ZERO
    for point in circuit.points:
        most, least = add(most, beside[point][0]), add(least, beside[point][1])
    return Balance(number, circuit.circuit.imbalance_ma or 0, most, least)

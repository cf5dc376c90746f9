"""A plan for those on a few circuits where wishes have changed: what they share there touches nobody else.

A car that comes to a row of a large park concerns its row. Everything a plan depends on is looked at, cheaply; whatever
else may have changed makes it a plan for all (`planning.plan`), which finds the same shares.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from park.load.circuit import LIMITS
from park.load.planning import Crowd, aim, binding, request_of, sort_out, without_reserve
from park.load.rotation import slice_began
from park.load.standing import Point
from park.load.state import CoordinatorState


def plan_near(state: CoordinatorState, now: float) -> list[Point] | None:
    """As `planning.plan`, for the circuits of those whose wish has changed. None: it takes a plan for all."""
    if now >= min(state.near_until, state.replan_at):
        return None
    room = [free for circuit in state.circuits for free in circuit.planned_lines()]
    crowd = sort_out(state, room, now)
    if crowd.fixed or any(point.usage.cap_ma is not None for point in crowd.wanting):
        return None
    left, began = without_reserve(crowd.idle, room), slice_began(now, state.settings.rotation_seconds)
    circuits = sorted({point.placement.circuit for point in state.touched})
    near = [point for name in circuits for point in _hanging_on(state, name)]
    if _changed_elsewhere(state, circuits, left):
        return None
    for circuit in circuits:
        if not _shared_again(state, circuit, left, now, began):
            return None
    if not _keeps_reserve(state, crowd):
        return None
    wanting = [point for point in near if point.wants]
    aim(state, wanting, [point for point in near if not point.wants], state.parts.shares, now)
    for point in near:
        point.hold_still()
    state.touched = set()
    return near


def _hanging_on(state: CoordinatorState, circuit: str) -> list[Point]:
    """On the circuit itself, not below it."""
    below = state.circuits[state.network.index[circuit]].points
    return [point for point in below if point.placement.circuit == circuit]


def _changed_elsewhere(state: CoordinatorState, circuits: Collection[str], left: Sequence[int]) -> bool:
    """Whether a line has other room than when it was shared out, that no wish here can have changed."""
    asked = state.parts.asked
    if asked is None:
        return True
    index, paths = state.network.index, state.network.paths
    above = {index[name] for circuit in circuits for name in paths[circuit]}
    return left != asked[1] and any(
        line // LIMITS not in above
        for line, (free, before) in enumerate(zip(left, asked[1], strict=True))
        if free != before
    )


def _shared_again(state: CoordinatorState, circuit: str, left: Sequence[int], now: float, began: float) -> bool:
    """Whether what hangs here could be shared out by itself, and no idle point has to give up its lapse current."""
    path = tuple([state.network.index[name] for name in state.network.paths[circuit]])
    there = _hanging_on(state, circuit)
    requests = [request_of(state, point, now, began) for point in there if point.wants]
    shares = state.parts.again(path, requests, left)
    if shares is None:
        return False
    lines = [here * LIMITS + place for here in path for place in range(LIMITS)]
    full = binding(shares) | {line for line in lines if left[line] < 0}
    giving = [point for point in there if not point.wants and point.reserve and point.placement.fallback_ma]
    return all(full.isdisjoint(point.lines) for point in giving)


def _keeps_reserve(state: CoordinatorState, crowd: Crowd) -> bool:
    """Whether no idle point is to have its lapse current back now or later."""
    bare = any(not point.reserve and point.placement.fallback_ma for point in crowd.idle)
    if bare and not binding(state.parts.shares):
        return False
    state.reserve_restored_at = math.inf
    return True

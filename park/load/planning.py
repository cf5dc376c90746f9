"""The plan: what every charge point should have, were it not for what the others may still be drawing (safety §2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from park.load.admission import Request, Share, precedence
from park.load.algorithms import Sharing
from park.load.balancing import balances
from park.load.circuit import LIMITS, WIRES, Lines
from park.load.fair.balance import Balance
from park.load.fair.columns import pulls
from park.load.reasons import Explanations
from park.load.rotation import MINIMUM_ON_SECONDS, Turn, next_turn, slice_began, turn, turn_in
from park.load.standing import Point
from park.load.state import CoordinatorState
from park.model.electric import ZERO, PerPhase, add, highest
from park.model.grant import Reason

ADMISSION_MARGIN_MA = 500  # who was shed comes back only when more than the bare minimum is free (safety §2)
MINIMUM_OFF_SECONDS = 30.0  # … and not before: contactors wear; within it S10's 30 s are met for everybody else
RESTORE_SECONDS = 60.0  # current must be left over for so long before idle points get their lapse current back


class Crowd(NamedTuple):
    """The charge points of a plan. `told`: those that can be told something new.

    `fixed`: the plan cannot change what they take; `defiant`: those of them that are told.
    """

    told: list[Point]
    wanting: list[Point]
    idle: list[Point]
    defiant: list[Point]
    fixed: list[Point]


def plan(state: CoordinatorState, now: float) -> list[Point]:
    """Set `target_ma`, `target_lapse_ma` and `reason` of every charge point that can be told. Returns them."""
    state.replan_at = math.inf
    room = [free for circuit in state.circuits for free in circuit.planned_lines()]
    crowd = sort_out(state, room, now)
    wanting, idle, defiant = crowd.wanting, crowd.idle, crowd.defiant
    shares = _shares(state, crowd, room, now)
    _restore_reserve(state, wanting, idle, room, shares, now)
    for point in defiant:
        point.target_ma = min(point.target_ma, point.minimum_ma()) if point.wants else 0
        point.target_lapse_ma = min(point.target_lapse_ma, point.target_ma)
        point.reason = (Reason("own_maximum", "the vehicle draws more than it may"),)
    aim(state, wanting, idle, shares, now)
    for point in crowd.told:
        point.hold_still()
    state.stale_plan, state.touched = False, set()
    plain = shares is state.parts.shares and not crowd.fixed and not any(_pauses(point) for point in wanting)
    state.near_until = _stays_until(state, wanting, now) if plain else -math.inf
    return crowd.told


def _stays_until(state: CoordinatorState, wanting: Sequence[Point], now: float) -> float:
    """Mono at which a turn changes by itself: that of the slice, and of who began to charge shortly before it."""
    slice_seconds = state.settings.rotation_seconds
    began = slice_began(now, slice_seconds)
    until = next_turn(now, slice_seconds)
    if now >= began + MINIMUM_ON_SECONDS:
        return until
    since = [point.charging_since for point in wanting if point.charging_since is not None]
    return min([until, *(at + MINIMUM_ON_SECONDS for at in since if at < began and now < at + MINIMUM_ON_SECONDS)])


def aim(
    state: CoordinatorState, wanting: Sequence[Point], idle: Sequence[Point], shares: dict[str, Share], now: float
) -> None:
    """Set the targets of these charge points and the reasons for them. `shares`: of all."""
    explanations = Explanations(state, shares)
    for point in idle:
        point.target_ma, point.target_lapse_ma = 0, point.reserved_lapse_ma() if point.reserve else 0
        point.reason = explanations.idle(point)
    _remember_admission(state, wanting, shares, now)
    for point in wanting:
        placement = point.placement
        share = shares[placement.charge_point]
        point.target_ma, point.target_lapse_ma = share.amps_ma, min(placement.fallback_ma, share.amps_ma)
        point.reason = explanations.of(point, share)


def sort_out(state: CoordinatorState, room: list[int], now: float) -> Crowd:
    """Sort them out, and take out of `room` what a plan cannot change."""
    crowd = Crowd([], [], [], [], [])
    speaking = state.who_speaks(now)
    for point in state.points:
        over = point.overdraw.held_ma
        if point.board.name not in speaking or point.deaf(now):
            crowd.fixed.append(point)
            continue
        crowd.told.append(point)
        if over != ZERO and point.defies(now):
            crowd.fixed.append(point)
            crowd.defiant.append(point)
        else:
            if over != ZERO:
                _take(room, state, point, over)
            (crowd.wanting if point.wants else crowd.idle).append(point)
    for point in crowd.fixed:
        _take(room, state, point, _fixed(point, now))
    return crowd


def _fixed(point: Point, now: float) -> PerPhase:
    """What a charge point is counted with that a plan cannot change: silent, or its vehicle does not follow."""
    return highest(point.committed_ma(now), add(point.may_draw_ma(now), point.overdraw.held_ma))


def _shares(state: CoordinatorState, crowd: Crowd, room: Sequence[int], now: float) -> dict[str, Share]:
    """Shares of all. Where a conductor binds, idle points give up their lapse current, others what they do not draw."""
    wanting, idle = crowd.wanting, crowd.idle
    began = slice_began(now, state.settings.rotation_seconds)
    requests = [request_of(state, point, now, began) for point in wanting]
    tilts = balances(state, frozenset(crowd.fixed), now)
    left = without_reserve(idle, room)
    shares = _lasting(state, wanting, requests, left, tilts, state.parts)
    full = binding(shares) | {line for line, free in enumerate(left) if free < 0}
    giving = [point for point in idle if point.reserve and not full.isdisjoint(point.lines)] if full else []
    if any(point.placement.fallback_ma for point in giving):
        for point in giving:
            point.reserve = False
        left = without_reserve(idle, room)
        shares = _lasting(state, wanting, requests, left, tilts, state.parts)
        full = binding(shares)
    if full and any(point.usage.cap_ma is not None for point in wanting):
        requests = [_without_unused(point, request) for point, request in zip(wanting, requests, strict=True)]
        shares = _lasting(state, wanting, requests, left, tilts, state.parts_unused)
    return shares


def _lasting(
    state: CoordinatorState,
    wanting: Sequence[Point],
    requests: Sequence[Request],
    left: Sequence[int],
    tilts: Sequence[Balance],
    parts: Sharing,
) -> dict[str, Share]:
    """Shares by `parts`, where nobody begins to charge who has to stop soon or makes those stop who come first (S8)."""
    shares = parts.allocate(requests, left, tilts)
    waiting = [request for request in requests if request.charging_since is None and request.maximum_ma]
    if not _beginning(waiting, shares):
        return shares
    aside = _out_of_turn(state, requests, shares, left, tilts)
    if aside:
        requests = _without(requests, aside)
        shares = parts.allocate(requests, left, tilts)
    beginning = {request.charge_point for request in _beginning(waiting, shares)}
    if not beginning or not any(_pauses(point) for point in wanting):
        return shares
    back = [
        request._replace(maximum_ma=point.maximum_ma()) if _pauses(point) else request
        for point, request in zip(wanting, requests, strict=True)
    ]
    then = state.share_out(back, left, tilts)
    aside = {request.charge_point for request in waiting if not then[request.charge_point].amps_ma}
    return shares if beginning.isdisjoint(aside) else parts.allocate(_without(requests, aside), left, tilts)


def _out_of_turn(
    state: CoordinatorState,
    requests: Sequence[Request],
    shares: dict[str, Share],
    left: Sequence[int],
    tilts: Sequence[Balance],
) -> set[str]:
    """Who is not to begin to charge, for the sake of those who charge and come before it.

    Turns see to that, but for a balance of phases: who tilts them is asked last, when others have taken its room.
    """
    charging = [each for each in requests if each.charging_since is not None and each.maximum_ma >= each.minimum_ma]
    waiting = [request for request in requests if request.charging_since is None]
    later = _standing_in(charging, waiting, shares)
    if not later:
        return later
    alone = state.share_out(_without(requests, later), left, tilts)
    charging = [request for request in charging if alone[request.charge_point].amps_ma]
    aside: set[str] = set()
    while more := _standing_in(charging, _beginning(waiting, shares), shares):
        aside |= more
        shares = state.share_out(_without(requests, aside), left, tilts)
    return aside


def _standing_in(charging: Sequence[Request], waiting: Sequence[Request], shares: dict[str, Share]) -> set[str]:
    """Those who wait and would come in before their turn: somebody who comes before them has to stop."""
    stopped = [precedence(request) for request in charging if not shares[request.charge_point].amps_ma]
    if not stopped:
        return set()
    first = min(stopped)
    return {request.charge_point for request in waiting if precedence(request) > first}


def _beginning(waiting: Sequence[Request], shares: dict[str, Share]) -> list[Request]:
    return [request for request in waiting if shares[request.charge_point].amps_ma]


def _without(requests: Sequence[Request], aside: set[str]) -> list[Request]:
    return [request._replace(maximum_ma=0) if request.charge_point in aside else request for request in requests]


def _pauses(point: Point) -> bool:
    """It has to wait a while after it was shed; asked for after `request_of` alone."""
    return point.asked is not None and not point.asked.maximum_ma and point.maximum_ma() >= point.minimum_ma()


def binding(shares: dict[str, Share]) -> set[int]:
    return {line for _, line, balance in shares.values() if line is not None and not balance}


def request_of(state: CoordinatorState, point: Point, now: float, began: float) -> Request:
    """Of this plan; that of the plan before where it is the same. `began`: the slice of rotation."""
    minimum, maximum = point.range_ma()
    shed_at, margin = point.shed_at, 0
    if shed_at is not None:
        margin = 0 if point.made_room else ADMISSION_MARGIN_MA
        if now < shed_at + MINIMUM_OFF_SECONDS:
            state.replan_at = min(state.replan_at, shed_at + MINIMUM_OFF_SECONDS)
            maximum = 0
    since, waiting = _charging_since(point), point.waiting_since
    wish = (point.lines, minimum, maximum, since, waiting, margin)
    place, asked = turn_in(began, since, waiting, now), point.asked
    if asked is None or asked[1:7] != wish or asked.turn != place or asked.adrift != point.adrift:
        at = point.placement
        priority = at.priority if state.settings.algorithm.has_classes else 0
        asked = Request(at.charge_point, *wish, priority, at.weight, at.resolution_ma, place, point.adrift)
        point.asked = asked
    return asked


def _without_unused(point: Point, request: Request) -> Request:
    """No more than what it draws."""
    cap = point.usage.cap_ma
    if cap is None:
        return request
    most = max(request.minimum_ma, cap - cap % request.resolution_ma)
    return request if most >= request.maximum_ma else request._replace(maximum_ma=most)


def _charging_since(point: Point) -> float | None:
    """Since when it has a share; a vehicle found charging by a coordinator that has just started keeps its turn."""
    if point.charging_since is None and point.sent is None and point.demand is not None and point.demand.drawing:
        return point.waiting_since if (point.commitment.signalled_ma or 0) > 0 else None
    return point.charging_since


def _remember_admission(
    state: CoordinatorState, wanting: Sequence[Point], shares: dict[str, Share], now: float
) -> None:
    """Who has current now, and who lost it: to protection, or to make room for those whose turn it was."""
    slice_seconds = state.settings.rotation_seconds
    turns = False
    lost: list[Point] = []
    for point in wanting:
        if shares[point.placement.charge_point].amps_ma > 0:
            if point.charging_since is None:
                turns = turns or turn(None, point.waiting_since, now, slice_seconds) is Turn.COMES
                point.charging_since = now
        elif point.charging_since is not None:
            lost.append(point)
        elif point.maximum_ma() >= point.minimum_ma():
            state.replan_at = min(state.replan_at, next_turn(now, slice_seconds))
    for point in lost:
        point.shed_at, point.made_room = now, turns
        point.charging_since, point.waiting_since = None, now
        state.replan_at = min(state.replan_at, next_turn(now, slice_seconds))


def _take(room: list[int], state: CoordinatorState, point: Point, current_ma: PerPhase) -> None:
    """Subtract a load of this point from the room of every conductor above it."""
    if current_ma == ZERO:
        return
    for name in state.network.paths[point.placement.circuit]:
        first = state.network.index[name] * LIMITS
        for phase, amps_ma in enumerate(current_ma):
            room[first + phase] -= amps_ma
        room[first + WIRES] -= sum(current_ma)


def without_reserve(idle: Sequence[Point], room: Sequence[int]) -> list[int]:
    """The room without the lapse currents that idle points keep."""
    kept: dict[Lines, int] = {}
    for point in idle:
        if point.reserve and point.placement.fallback_ma:
            kept[point.lines] = kept.get(point.lines, 0) + point.placement.fallback_ma
    left = list(room)
    for lines, current in kept.items():
        _subtract(left, lines, current)
    return left


def _subtract(room: list[int], lines: Lines, current_ma: int) -> None:
    for line, pull in pulls(lines).items():
        room[line] -= pull * current_ma


def _left(wanting: Sequence[Point], idle: Sequence[Point], room: Sequence[int], shares: dict[str, Share]) -> list[int]:
    """The room after shares and the lapse currents of all idle points, those that gave theirs up included."""
    left = list(room)
    for point in wanting:
        _subtract(left, point.lines, shares[point.placement.charge_point].amps_ma)
    for point in idle:
        _subtract(left, point.lines, point.placement.fallback_ma)
    return left


def _restore_reserve(
    state: CoordinatorState,
    wanting: Sequence[Point],
    idle: Sequence[Point],
    room: Sequence[int],
    shares: dict[str, Share],
    now: float,
) -> None:
    """Give idle points their lapse current back once it was left over for a while: they may start alone if we fail."""
    bare = [point for point in idle if not point.reserve and point.placement.fallback_ma]
    if not bare or binding(shares) or min(_left(wanting, idle, room, shares)) < 0:
        state.reserve_restored_at = math.inf
        return
    if now >= state.reserve_restored_at:
        for point in bare:
            point.reserve = True
        state.reserve_restored_at = math.inf
        return
    state.reserve_restored_at = min(state.reserve_restored_at, now + RESTORE_SECONDS)
    state.replan_at = min(state.replan_at, state.reserve_restored_at)

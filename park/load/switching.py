"""Which number of phases serves a vehicle better, at charge points that can switch them (B-285 to B-291).

Asked is the very sharing out that plans are made with, once more with this one vehicle on the other number: so fuses,
limits, the sun, classes, turns and the balance of phases all have their say. One phase where three have nothing, or
much less power; three again where they have their minimum and a margin. What is better must stay so for a while, and
contactors switch only so often.
"""

from __future__ import annotations

from park.load.admission import Share
from park.load.planning import MINIMUM_OFF_SECONDS
from park.load.poles import ONE, THREE, Poles
from park.load.raising import Offer
from park.load.standing import Point
from park.load.state import CoordinatorState

WAIT_SECONDS = 10.0  # ours: who has nothing is switched soon, but not by the first plan after others came or went
MARGIN_MA = 1_000  # ours: three phases need so much more than their minimum, as a surplus that just fits is gone again
GAIN = 1.25  # ours: so much more power on one phase is worth the pause; EVerest has 200 W
LOSS = 1.05  # back to three phases for all but this: the rounding of three currents is no loss
MOST_AN_HOUR = 6  # ours: contactors and vehicles wear, and nobody needs more
RESERVED_SWITCHES = 2  # nobody goes up who could not come down and once more up within the hour
TRIALS = 2  # charge points looked at in an interval: sharing out again takes as long as a plan


def look(state: CoordinatorState, now: float) -> list[Offer]:
    """Once an interval: decide, and take the next step of switches under way. Grants to send; plans may be stale."""
    points = [point for point in state.points if point.poles is not None]
    if not points:
        return []
    trials = 0
    for point in sorted(points, key=lambda each: each.looked_at):
        if _rests(state, point, now) or trials == TRIALS:
            continue
        trials += _looked(state, point, now)
    return [Offer(point, 0, 0) for point in points if _steps(state, point, now)]


def _rests(state: CoordinatorState, point: Point, now: float) -> bool:
    """Nothing is to be decided for it now. Idle, it is ready for three phases, which costs nothing."""
    poles = point.poles
    if poles is None or point.demand is None or not point.reachable(now):
        return True
    if not point.wants:
        if poles.planned != THREE:
            point.plan_phases(THREE, now, wears=False)
            state.stale_plan = True
        poles.better_since = None
        return True
    return poles.under_way or point.defies(now)


def _looked(state: CoordinatorState, point: Point, now: float) -> bool:
    """True: it took a sharing out."""
    poles = point.poles
    if poles is None:
        return False
    other = ONE if poles.planned == THREE else THREE
    asked = state.parts.asked
    fresh = poles.tried is None or poles.tried[0] is not asked
    if fresh:
        point.looked_at = now
        poles.tried = (asked, _is_better(state, point, other, now))
    better = poles.tried is not None and poles.tried[1]
    lasted = poles.lasts(better=better, now=now)
    if lasted >= _needed_seconds(state, point) and _may(poles, other, now):
        began = point.charging_since is not None or point.shed_at is not None
        point.plan_phases(other, now, wears=began)
        state.stale_plan = True
    return fresh


def _is_better(state: CoordinatorState, point: Point, other: int, now: float) -> bool:
    found, shares = state.parts.shares, _shares(state, point, other, now)
    name = point.placement.charge_point
    if shares is None or name not in found or any(_loses(found[each], shares[each]) for each in found):
        return False
    own_ma, other_ma = found[name].amps_ma, shares[name].amps_ma
    if other == ONE:
        return other_ma > 0 if not own_ma else other_ma > GAIN * THREE * own_ma
    return other_ma >= point.minimum_ma() + MARGIN_MA and THREE * other_ma * LOSS >= own_ma


def _loses(before: Share, after: Share) -> bool:
    return before.amps_ma > 0 and not after.amps_ma


def _shares(state: CoordinatorState, point: Point, phases: int, now: float) -> dict[str, Share] | None:
    """What everybody would have with this vehicle on so many phases."""
    asked = state.parts.asked
    if asked is None:
        return None
    requests, room, balances = asked
    name = point.placement.charge_point
    lines = point.lines_on(phases)
    most = point.maximum_ma() if _pauses(point, now) else None  # the pause it has anyway is the best time to switch
    changed = [
        request._replace(lines=lines, maximum_ma=request.maximum_ma if most is None else most)
        if request.charge_point == name
        else request
        for request in requests
    ]
    return state.share_out(changed, room, balances)


def _pauses(point: Point, now: float) -> bool:
    return point.shed_at is not None and now < point.shed_at + MINIMUM_OFF_SECONDS


def _needed_seconds(state: CoordinatorState, point: Point) -> float:
    share = state.parts.shares.get(point.placement.charge_point)
    waits = share is None or not share.amps_ma
    return WAIT_SECONDS if waits else state.settings.switch_seconds


def _may(poles: Poles, other: int, now: float) -> bool:
    """Up, only if it can come down again within the hour."""
    left = MOST_AN_HOUR - poles.switches_of_the_hour(now)
    return left >= (RESERVED_SWITCHES if other == THREE else 1)


def _steps(state: CoordinatorState, point: Point, now: float) -> bool:
    """Whether it is to be told the new number, with 0 A: once nothing is promised."""
    poles = point.poles
    if poles is None or not point.reachable(now):
        return False
    if not poles.under_way:
        if not poles.settled:
            poles.settled = state.stale_plan = True
        return False
    if poles.granted == poles.planned or point.promised_ma(now):
        return False
    poles.granted = poles.planned
    return True

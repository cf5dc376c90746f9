"""Which raises may be sent now: those that fit beside the worst everybody else may still draw (S1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from park.load.circuit import Lines
from park.load.fair.columns import Climber, pulls
from park.load.fair.filling import raise_together, whole
from park.load.leaning import Rise, upright
from park.load.parts import innermost
from park.load.standing import Point
from park.load.state import CoordinatorState, by_line
from park.model.electric import ZERO, PerPhase, add

RAISE_SPACING_SECONDS = 5.0  # safety §2: the pilot changes upward at most every 5 s


class Offer(Struct, frozen=True):
    """What a charge point is to be granted."""

    point: Point
    amps_ma: int
    lapse_ma: int


def wants_raise(point: Point, now: float) -> bool:
    """The plan gives it more than it holds, in current or, idle, in lapse current."""
    if not point.reachable(now):
        return False
    if not point.wants:
        return point.target_lapse_ma > point.granted_lapse_ma()
    held = point.held_ma(now)
    return point.target_ma > held and (held == 0 or now >= point.raised_at + RAISE_SPACING_SECONDS)


def affordable(state: CoordinatorState, points: Sequence[Point], now: float) -> list[Offer]:
    """The raises of these points that keep Σ committed within what is available on every line above them (S1).

    A vehicle at zero first gets its minimum, the longest waiting first; then all rise together towards their targets,
    as far as the phases stay in balance (S6, see `leaning`).
    """
    hopeful = [point for point in points if _fits_below(state, point, now)]
    if not hopeful:
        return []
    room = _room(state, state.committed_ma(now))
    free = [point for point in hopeful if _fits(room, point.lines, 0)]
    climbers: list[tuple[Point, Climber]] = []
    for point in sorted((point for point in free if point.wants), key=_turn):
        climber = _seated(point, room, now)
        if climber is not None:
            climbers.append((point, climber))
    stops = raise_together([climber for _, climber in climbers], room)
    rises = [
        Rise(point, _stepped(point, whole(reached))) for (point, _), (reached, _) in zip(climbers, stops, strict=True)
    ]
    offers = [_offer(rise.point, amps) for rise, amps in zip(rises, upright(state, rises, now), strict=True)]
    for (_, climber), (reached, _) in zip(climbers, stops, strict=True):
        _take(room, climber.lines, max(0, math.ceil(reached) - climber.floor_ma))
    raises = [offer for offer in offers if offer.amps_ma > offer.point.held_ma(now)]
    return raises + [offer for point in free if not point.wants for offer in _reserved(point, room, now)]


def _fits_below(state: CoordinatorState, point: Point, now: float) -> bool:
    """Whether its least raise fits on the circuit it hangs on: where it does not, nothing else need be counted."""
    here = state.above[point][0]
    taken = ZERO
    for other in here.points:
        taken = add(taken, other.committed_ma(now))
    one, two, three, power = here.available_lines()
    left = (one - taken[0], two - taken[1], three - taken[2], power - sum(taken))
    floor = min(point.target_ma, point.minimum_ma()) if point.wants else point.target_lapse_ma
    cost = max(0, floor - point.promised_ma(now))
    return all(left[place] >= pull * cost for place, pull in innermost(point.lines))


def without_harm(state: CoordinatorState, offers: Sequence[Offer], now: float) -> Sequence[Offer]:
    """Offers of what is counted anyway, such that they raise nobody in truth where more is counted than is available.

    A device whose board has booted since it confirmed something holds less than it is counted with, and so does a group
    that does not hear all its boards: there it is offered what it surely holds, and once that is confirmed, and nothing
    else to be feared, it counts for no more.
    """
    raises = {offer.point: surely for offer in offers if (surely := _raised_from(offer, now)) is not None}
    if not raises:
        return offers
    room = _room(state, state.committed_ma(now))
    return [
        Offer(offer.point, surely, min(surely, offer.lapse_ma))
        if (surely := raises.get(offer.point)) is not None and not _fits(room, offer.point.lines, 0)
        else offer
        for offer in offers
    ]


def _raised_from(offer: Offer, now: float) -> int | None:
    """What it surely holds, mA, where it is less than it is offered."""
    surely = offer.point.surely_holds_ma(now)
    return surely if surely is not None and max(offer.amps_ma, offer.lapse_ma) > surely else None


def _turn(point: Point) -> tuple[int, float, str]:
    return (-point.placement.priority, point.waiting_since, point.placement.charge_point)


def _room(state: CoordinatorState, counted: dict[Point, PerPhase]) -> list[int]:
    available = [free for circuit in state.circuits for free in circuit.available_lines()]
    committed = by_line(state.summed_ma(counted))
    return [free - taken for free, taken in zip(available, committed, strict=True)]


def _seated(point: Point, room: list[int], now: float) -> Climber | None:
    """Where it starts to climb from, its minimum taken out of the room; None: the minimum does not fit yet.

    A raise up to what it is promised costs nothing. What it draws beyond that grows with the raise, so it is not free.
    """
    counted, minimum = point.promised_ma(now), point.minimum_ma()
    floor = min(point.target_ma, max(counted, minimum))
    cost = max(0, floor - counted)
    if not _fits(room, point.lines, cost):
        return None
    _take(room, point.lines, cost)
    return Climber(point.lines, floor, point.target_ma, point.placement.weight)


def _fits(room: Sequence[int], lines: Lines, current_ma: int) -> bool:
    return all(room[line] >= pull * current_ma for line, pull in pulls(lines).items())


def _take(room: list[int], lines: Lines, current_ma: int) -> None:
    for line, pull in pulls(lines).items():
        room[line] -= pull * current_ma


def _stepped(point: Point, reached_ma: int) -> int:
    return reached_ma - reached_ma % point.placement.resolution_ma


def _offer(point: Point, amps_ma: int) -> Offer:
    return Offer(point, amps_ma, min(point.target_lapse_ma, amps_ma))


def _reserved(point: Point, room: list[int], now: float) -> list[Offer]:
    """The lapse current of an idle point, if it fits."""
    cost = max(0, point.target_lapse_ma - point.promised_ma(now))
    if not _fits(room, point.lines, cost):
        return []
    _take(room, point.lines, cost)
    return [Offer(point, 0, point.target_lapse_ma)]

"""What is to be shared (loads that may rise) and what limits it (rows), as the solver of fair shares takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from park.load.circuit import LIMITS, Lines
from park.load.fair.columns import WAITS, Climber, Pulls, pulls, wires


class Column:
    """Loads that are alike but for their ceilings; each has `base` + `speed` × level above its floor. Mutable.

    `members`: their numbers, the highest ceiling last. `left`: those still on the column's course.
    """

    __slots__ = (
        "base", "floor", "left", "members", "number", "priority", "pulls", "span", "speed", "state", "stop", "weighed",
        "weight"
    )  # fmt: skip

    def __init__(self, number: int, like: Climber | Column, pulls: Pulls, members: list[int], span: int) -> None:
        self.number = number
        self.floor = like.floor_ma if isinstance(like, Climber) else like.floor
        self.weight, self.priority = like.weight, like.priority
        self.pulls = pulls
        self.members = members
        self.left = len(members)
        self.span = span  # of the member with the highest ceiling
        self.base = 0.0
        self.speed = 0.0
        self.state = WAITS
        self.stop: int | None = None  # the row
        self.weighed: Lines = () if isinstance(like, Climber) else like.weighed  # lines whose balance is limited


@lru_cache(maxsize=65536)
def _on_wires(lines: Lines) -> Pulls:
    """What one mA takes of each conductor."""
    return dict.fromkeys(wires(lines)[0], 1)


def columns(
    climbers: Sequence[Climber], room: Sequence[int], balanced: frozenset[int]
) -> tuple[list[Column], list[int]]:
    """The climbers by what makes them alike, and of each climber the number of its column.

    Of what they pull only lines are kept that can become full, or belong to a circuit with a limit of imbalance.
    """
    groups: dict[tuple[Lines, int, int, int], list[int]] = {}
    for number, (lines, floor, _, weight, priority) in enumerate(climbers):
        key = (lines, floor, weight, priority)
        members = groups.get(key)
        if members is None:
            groups[key] = [number]
        else:
            members.append(number)
    spans: dict[Lines, int] = {}
    for (lines, floor, _, _), members in groups.items():
        span = sum([climbers[member][2] for member in members]) - floor * len(members)
        spans[lines] = spans.get(lines, 0) + span
    kept = _that_matter(spans, room, balanced)
    found: list[Column] = []
    column_of = [0] * len(climbers)
    for (lines, floor, _, _), members in groups.items():
        number = len(found)
        for member in members:
            column_of[member] = number
        if len(members) > 1:
            members.sort(key=lambda member: climbers[member].ceiling_ma)
        last = climbers[members[-1]]
        found.append(Column(number, last, kept[lines], members, last.ceiling_ma - floor))
    for column in found if balanced else ():
        column.weighed = tuple([line for line in column.pulls if line // LIMITS in balanced])
    return found, column_of


def _that_matter(spans: dict[Lines, int], room: Sequence[int], balanced: frozenset[int]) -> dict[Lines, Pulls]:
    left = list(room)
    for lines, span in spans.items():
        conductors, powers, pull = wires(lines)
        for line in conductors:
            left[line] -= span
        for line in powers:
            left[line] -= span * pull
    matters = {line for line, free in enumerate(left) if free < 0}
    for circuit in balanced:
        matters.update(range(circuit * LIMITS, circuit * LIMITS + LIMITS))
    return {lines: _kept(lines, matters) for lines in spans}


def _kept(lines: Lines, matters: set[int]) -> Pulls:
    conductors, powers, _ = wires(lines)
    if matters.issuperset(conductors) and matters.isdisjoint(powers):
        return _on_wires(lines)
    return {line: pull for line, pull in pulls(lines).items() if line in matters}

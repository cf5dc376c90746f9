"""What is to be shared (loads that may rise) and what limits it (rows), as the solver of fair shares takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from park.load.circuit import LIMITS, Lines, is_power

Pulls: TypeAlias = dict[int, int]
"""Row → mA taken there by one mA of the load: 1 on a conductor, the number of phases in a power."""

Stop: TypeAlias = tuple[float, int | None]
"""(mA reached, the row that stopped it: a line, or the number of lines + that of a spread; None: its own maximum)."""

SAME = 1e-7  # mA: closer levels are one
PAIRS = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
WAITS, RISES, HELPS, AT_CEILING, DONE = 0, 1, 2, 3, 4
"""At its floor | with the level | ahead of it | at its ceiling before its time, may be lowered | final."""


class Spread(NamedTuple):
    """On a circuit with a limit of imbalance: line `over` may carry `room_ma` more than `under` does, floors aside.

    `adrift`: what is on this line may be on `over` too.
    """

    over: int
    under: int
    room_ma: int
    adrift: int | None = None

    def coefficient(self, pulls: Pulls) -> int:
        """What one mA of a load that pulls so takes: on a conductor it takes its current, or nothing."""
        return (self.over in pulls) - (self.under in pulls) + (self.adrift in pulls)


class Climber(NamedTuple):
    """A load that has `floor_ma` already and may rise to `ceiling_ma`, `weight` mA a step.

    `priority`: a higher class rises before a lower one.
    """

    lines: Lines
    floor_ma: int
    ceiling_ma: int
    weight: int = 1
    priority: int = 0


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
def pulls(lines: Lines) -> Pulls:
    """What one mA on each phase takes from each of these lines."""
    first = lines[0] // LIMITS if lines else 0
    phases = sum(1 for line in lines if line // LIMITS == first and not is_power(line))
    return {line: phases if is_power(line) else 1 for line in lines}


@lru_cache(maxsize=65536)
def wires(lines: Lines) -> tuple[Lines, Lines, int]:
    """Conductors, powers, and how much one mA takes of these."""
    conductors = tuple([line for line in lines if not is_power(line)])
    powers = tuple([line for line in lines if is_power(line)])
    return conductors, powers, max(pulls(lines).values(), default=1)


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

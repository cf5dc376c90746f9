"""What is to be shared (loads that may rise) and what limits it (rows), as the solver of fair shares takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from park.load.circuit import LIMITS, Lines, is_power

Pulls: TypeAlias = dict[int, int]
"""Row → mA taken there by one mA of the load: 1 on a conductor, the number of phases in a power."""

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
        "base", "floor", "left", "members", "number", "priority", "pulls", "span", "speed", "state", "stop", "weight"
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


@lru_cache(maxsize=65536)
def pulls(lines: Lines) -> Pulls:
    """What one mA on each phase takes from each of these lines."""
    first = lines[0] // LIMITS if lines else 0
    phases = sum(1 for line in lines if line // LIMITS == first and not is_power(line))
    return {line: phases if is_power(line) else 1 for line in lines}


def columns(
    climbers: Sequence[Climber], room: Sequence[int], balanced: frozenset[int]
) -> tuple[list[Column], list[int]]:
    """The climbers by what makes them alike, and of each climber the number of its column.

    Of what they pull only lines are kept that can become full, or belong to a circuit with a limit of imbalance.
    """
    groups: dict[tuple[Lines, int, int, int], list[int]] = {}
    spans: dict[Lines, int] = {}
    for number, (lines, floor, ceiling, weight, priority) in enumerate(climbers):
        key = (lines, floor, weight, priority)
        members = groups.get(key)
        if members is None:
            groups[key] = [number]
            spans[lines] = spans.get(lines, 0) + ceiling - floor
        else:
            members.append(number)
            spans[lines] += ceiling - floor
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
    return found, column_of


def _that_matter(spans: dict[Lines, int], room: Sequence[int], balanced: frozenset[int]) -> dict[Lines, Pulls]:
    most = [0] * len(room)
    for lines, span in spans.items():
        for line, pull in pulls(lines).items():
            most[line] += span * pull
    matters = [taken > free for taken, free in zip(most, room, strict=True)]
    for circuit in balanced:
        matters[circuit * LIMITS : circuit * LIMITS + LIMITS] = [True] * LIMITS
    return {lines: {line: pull for line, pull in pulls(lines).items() if matters[line]} for lines in spans}

"""What is to be shared (loads that may rise) and what limits it (rows), as the solver of fair shares takes them."""

from __future__ import annotations

from collections.abc import Mapping
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

Alike: TypeAlias = tuple[Lines, int, int, int]
"""(lines, floor in mA, weight, priority) of a load."""


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


class Weighing:
    """What one mA of a load does to the differences of phases, by their numbers. Alike ones are one object.

    `tips`: makes them larger, `steadies`: smaller. `circuits`: where it does any of that.
    """

    __slots__ = ("circuits", "steadies", "tips")

    def __init__(self, tips: tuple[int, ...], steadies: tuple[int, ...], circuits: tuple[int, ...]) -> None:
        self.tips = tips
        self.steadies = steadies
        self.circuits = circuits


LEVEL = Weighing((), (), ())


class Column:
    """Loads that are alike but for their ceilings; each has `base` + `speed` × level above its floor. Mutable.

    `members`: their numbers, the lowest ceiling first. `left`: so many of them, the last ones, are on the column's
    course; the others have reached their ceilings. `everybody`: also those who were not admitted. `wires`, `watts`: the
    conductors and powers they load, `lines`, `powers`: those they may fill, `pull`: what one mA takes of a power.
    `reached`: mA of those that a row stopped, `stop`: which.
    """

    __slots__ = (
        "base", "everybody", "floor", "left", "lines", "members", "number", "powers", "priority", "pull", "reached",
        "span", "speed", "state", "stop", "watts", "way", "weighing", "weight", "wires"
    )  # fmt: skip

    def __init__(self, number: int, kind: Alike, members: list[int]) -> None:
        self.number = number
        self.way, self.floor, self.weight, self.priority = kind
        self.wires, self.watts, self.pull = wires(self.way)
        self.lines, self.powers = self.wires, self.watts
        self.everybody = self.members = members
        self.left = len(members)
        self.weighing = LEVEL
        self.span = 0  # of the member with the highest ceiling, once somebody is asked to help
        self.base = self.speed = 0.0
        self.reached: float = self.floor
        self.state = WAITS
        self.stop: int | None = None

    def price(self, prices: Mapping[int, float]) -> float:
        """What one mA more of such a load costs at these prices of lines."""
        price = 0.0
        for line in self.lines:
            if line in prices:
                price += prices[line]
        for line in self.powers:
            if line in prices:
                price += self.pull * prices[line]
        return price


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

"""All that share, by what makes them alike, and what they want of every line."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from park.load.circuit import LIMITS, WIRES, Lines, is_power
from park.load.fair.balance import Weighings
from park.load.fair.columns import DONE, HELPS, WAITS, Alike, Climber, Column, Stop, Weighing

Place: TypeAlias = tuple[int, Column]
"""A column behind its place among all there are: who could rise most comes first."""

Ranked: TypeAlias = dict[Weighing, list[Place]]
"""Columns by what they do to the differences, in the order of their places."""

_alike = itemgetter(0, 1, 3, 4)


class Crowd:
    """May be shared out again and again. Mutable.

    `columns`: of loads that are alike. `ceilings`: mA of each load, by its number, the lowest of a column first.
    `floors`, `tops`: what all take of each line at their floor, and at their ceiling, mA; `weights`: for each mA of the
    common level.
    """

    __slots__ = (
        "_anew", "_columns", "_firsts", "_floors", "_minima", "_of", "_on_line", "_places", "_ranked", "_tight",
        "_tops", "_watts", "_weights", "ceilings", "columns", "floors", "tops", "weights"
    )  # fmt: skip

    def __init__(self, kinds: Iterable[tuple[Alike, int]], ceilings: Sequence[int], lines: int) -> None:
        """`kinds`: with how many loads are so, in the order of their numbers. `lines`: how many there are."""
        self.ceilings = ceilings
        self._columns: list[Column] = []
        self._firsts: list[int] = []  # by column, the number of its first load
        self._floors = [0] * lines
        self._tops = [0] * lines
        self._weights = [0] * lines
        self._on_line: list[list[Column]] = [[] for _ in range(lines)]
        self._anew = True  # nothing was shared yet
        self._watts = False  # whether powers have been counted
        self._tight: set[int] | None = None  # the lines that were so at last
        self._ranked: dict[int, Ranked] = {}
        self._places: list[int] = []  # of the columns by number; found when asked for first
        self._of: Weighings | None = None
        self._minima: list[tuple[Weighing, int]] = []
        self.columns, self.floors, self.tops, self.weights = self._columns, self._floors, self._tops, self._weights
        first = 0
        for number, (kind, count) in enumerate(kinds):
            column = Column(number, kind, [*range(first, first + count)])
            self._columns.append(column)
            self._firsts.append(first)
            first += count
            self._add(column.wires, column, column.everybody, 1)
            for line in column.wires:
                self._on_line[line].append(column)

    def begin(self, room: Sequence[int]) -> None:
        """All of them are at their floors. Powers count from when they first could be too little for all."""
        if not self._watts and min(room[WIRES::LIMITS], default=0) < WIRES * sum(self.ceilings):
            self._watts = True
            self.floors, self.tops, self.weights = self._floors, self._tops, self._weights
            for column in self._columns:
                self._add(column.watts, column, column.everybody, column.pull)
                for line in column.watts:
                    self._on_line[line].append(column)
        self.columns, self.floors, self.tops = self._columns.copy(), self._floors, self._tops
        self.weights = self._weights
        if self._anew:
            self._anew = False
            return
        for column in self.columns:
            column.members = column.everybody
            column.left = len(column.members)
            column.base = column.speed = 0.0
            column.state = WAITS
            column.stop = None

    def _add(self, lines: Lines, column: Column, members: Sequence[int], times: int) -> None:
        """So many times what these take."""
        floors, tops, weights, ceilings = self.floors, self.tops, self.weights, self.ceilings
        count = times * len(members)
        floor, weight = count * column.floor, count * column.weight
        top = times * sum([ceilings[member] for member in members])
        for line in lines:
            floors[line] += floor
            tops[line] += top
            weights[line] += weight

    def weighed(self, of: Weighings) -> Sequence[tuple[Weighing, int]]:
        """What all do to the differences of phases at their floors, mA of each kind."""
        if of is not self._of:
            sums: dict[Weighing, int] = {}
            for column in self._columns:
                weighing = column.weighing = of[column.way]
                sums[weighing] = sums.get(weighing, 0) + column.floor * len(column.everybody)
            self._of, self._minima = of, [*sums.items()]
            self._ranked.clear()
        return self._minima

    def beside_floors(self, room: Sequence[int]) -> list[int]:
        """The room that the floors of all leave."""
        return [free - floor for free, floor in zip(room, self.floors, strict=True)]

    def tight(self, left: Sequence[int]) -> set[int]:
        """Lines that have too little if all want all they can. `left`: room beside the floors."""
        wanted = zip(left, self.floors, self.tops, strict=True)
        return {line for line, (free, floor, top) in enumerate(wanted) if free + floor < top}

    def short(self, left: Sequence[int]) -> list[Column]:
        """Those on lines with too little room for the floors of all."""
        if min(left, default=0) >= 0:
            return []
        lines = {line for line, free in enumerate(left) if free < 0}
        return [column for column in self.columns if not lines.isdisjoint(column.way)]

    def leave(self, gone: Collection[int]) -> None:
        """These do not share."""
        self.floors, self.tops, self.weights = self._floors.copy(), self._tops.copy(), self._weights.copy()
        leaving: defaultdict[int, list[int]] = defaultdict(list)
        for number in gone:
            leaving[bisect(self._firsts, number) - 1].append(number)
        for place, members in leaving.items():
            column = self.columns[place]
            self._add(column.wires, column, members, -1)
            if self._watts:
                self._add(column.watts, column, members, -column.pull)
            column.members = [member for member in column.members if member not in gone]
            column.left = len(column.members)
            if not column.left:
                column.state = DONE

    def on_lines(self, lines: set[int]) -> dict[int, Sequence[Column]]:
        """Who loads each of these lines. The others, which nobody can fill, are forgotten."""
        if lines != self._tight:
            self._tight = lines
            watts = any(map(is_power, lines))
            for column in self._columns:
                wires = column.wires
                column.lines = wires if lines.issuperset(wires) else tuple([line for line in wires if line in lines])
                column.powers = tuple([line for line in column.watts if line in lines]) if watts else ()
        return {line: self._on_line[line] for line in lines}

    def ranked(self, line: int) -> Ranked:
        """Who loads the line, those who could rise most first."""
        known = self._ranked.get(line)
        if known is None:
            if not self._places:
                self._places = [0] * len(self._columns)
                for place, column in enumerate(sorted(self._columns, key=self._rank)):
                    self._places[column.number] = place
            known = self._ranked[line] = {}
            for place, column in sorted([(self._places[column.number], column) for column in self._on_line[line]]):
                known.setdefault(column.weighing, []).append((place, column))
        return known

    def _rank(self, column: Column) -> tuple[object, ...]:
        least, most = self.ceilings[column.everybody[0]], self.ceilings[column.everybody[-1]]
        return (column.floor - most, column.way, column.floor, least, column.weight, column.priority)

    def alone(self, column: Column) -> Column:
        """The load of the column with the highest ceiling on a column of its own, which it enters."""
        member = column.members[-1]
        column.members, column.left = column.members[:-1], column.left - 1
        kind = (column.way, column.floor, column.weight, column.priority)
        single = Column(len(self.columns), kind, [member])
        single.lines, single.powers, single.weighing = column.lines, column.powers, column.weighing
        single.base, single.speed = column.base, column.speed
        single.span = self.ceilings[member] - column.floor
        single.state = HELPS
        self.columns.append(single)
        return single


def raised(climbers: Sequence[Climber], order: Sequence[int], crowd: Crowd) -> list[Stop]:
    """What the climbers have reached, who came into the crowd in this order."""
    found: list[Stop] = [(climber.ceiling_ma, None) for climber in climbers]
    for column in crowd.columns:
        if column.left:
            stop = (column.reached, column.stop)
            for member in column.members[-column.left :]:
                found[order[member]] = stop
    return found


def by_kind(climbers: Sequence[Climber]) -> list[int]:
    """Their numbers, those who are alike together, the lowest ceiling of them first."""
    return sorted(range(len(climbers)), key=lambda number: (_alike(climbers[number]), climbers[number].ceiling_ma))


def climbing(climbers: Sequence[Climber], order: Sequence[int], room: Sequence[int]) -> Crowd:
    """The crowd of these, who are in this order."""
    kinds = [(kind, len([*alike])) for kind, alike in groupby([_alike(climbers[number]) for number in order])]
    crowd = Crowd(kinds, [climbers[number].ceiling_ma for number in order], len(room))
    crowd.begin(room)
    return crowd

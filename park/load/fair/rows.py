"""What is taken of every line and every difference of phases while the level rises, and when it will be full."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush
from itertools import count
from typing import TypeAlias

from park.load.fair.basis import NOTHING, Basis, Sparse
from park.load.fair.columns import SAME, Column, Pulls, Spread, pulls

Event: TypeAlias = tuple[float, int, int]
"""(level, kind, number of the load or row)."""

Pair: TypeAlias = tuple[int, int, int, int | None]
"""(row, the lines of its `Spread`)."""

# Of one level: those who are done leave before others join.
STOP, RELIEVER, FULL, START = 0, 1, 2, 3


class Rows:
    """Row = a line, or the number of lines + that of a spread. `used` + `rate` × level is taken of a line, in mA.

    `closed`: full for good, and nobody on it can give way. `locked`: full rows that must stay full.
    `horizon`: of rows that will be full beyond this level nothing is told yet.
    """

    __slots__ = (
        "_clock", "_dirty", "_due", "_kept", "_lines", "_pairs", "_since", "_tilting", "_touched", "basis",
        "closed", "count", "heap", "horizon", "locked", "rate", "room", "spreads", "used"
    )  # fmt: skip

    def __init__(self, room: Sequence[int], spreads: Sequence[Spread], lines: Sequence[int]) -> None:
        """`lines`: those that can be full."""
        self.count = len(room)
        self.spreads = spreads
        self.room = [float(free) for free in room] + [float(spread.room_ma) for spread in spreads]
        self.used = [0.0] * self.count
        self.rate = [0.0] * self.count
        self.closed = bytearray(self.count)
        self.locked: set[int] = set()
        self.basis = Basis()
        self.heap: list[Event] = []
        self._lines = lines
        self._dirty: set[int] = set()  # lines that fill faster than when they were scheduled
        self._tilting: set[int] = set()  # differences that may do so
        self._touched: set[int] = set()  # lines on which loads changed since full rows were made full again
        self._kept: dict[int, list[int]] = {}  # full rows by their lines
        self._clock = count()
        self._since: dict[int, int] = {}  # when a row became one of them: a number that grows
        self._due = [math.inf] * len(self.room)
        self.horizon = 0.0
        self._pairs: list[Pair] = [
            (row, over, under, adrift) for row, (over, under, _, adrift) in enumerate(spreads, self.count)
        ]

    def lines_of(self, row: int) -> Sequence[int]:
        """The line, or those of the difference."""
        if row < self.count:
            return (row,)
        over, under, _, adrift = self.spreads[row - self.count]
        return (over, under) if adrift is None else (over, under, adrift)

    def restart(self, level: float) -> None:
        """The level starts anew from 0, and nobody rises."""
        self.used = [used + rate * level for used, rate in zip(self.used, self.rate, strict=True)]
        self.rate = [0.0] * self.count
        self._due = [math.inf] * len(self.room)
        self.horizon = 0.0
        self.heap.clear()
        self._dirty.clear()
        self._tilting.clear()

    def take(self, column: Column, base: float, speed: float) -> None:
        """So much more is taken by loads of this column."""
        used, rate = self.used, self.rate
        lines, powers = column.lines, column.powers
        for line in lines:
            used[line] += base
            rate[line] += speed
        if powers:
            pull = column.pull
            for line in powers:
                used[line] += pull * base
                rate[line] += pull * speed
        if speed > 0.0:
            self._dirty.update(lines, powers)
            self._tilting.update(column.weighing.tips)
        else:
            self._tilting.update(column.weighing.steadies)
        if self._kept:
            self._touched.update(lines, powers)

    def leave(self, column: Column, base: float, speed: float) -> None:
        """So much is taken by loads of this column that rise no more, instead. `touch` tells the full rows of it."""
        used, rate = self.used, self.rate
        for line in column.lines:
            used[line] += base
            rate[line] -= speed
        for line in column.powers:
            used[line] += column.pull * base
            rate[line] -= column.pull * speed
        self._tilting.update(column.weighing.steadies)

    def touch(self) -> None:
        """Any of the full rows may be less full, or more."""
        self._touched.update(self._kept)

    def start(self, columns: Iterable[Column]) -> None:
        """These rise from now on; `look_further` tells what they fill."""
        used, rate, kept = self.used, self.rate, self._kept
        for column in columns:
            base, speed = column.base * column.left, column.speed * column.left
            for line in column.lines:
                used[line] += base
                rate[line] += speed
            for line in column.powers:
                used[line] += column.pull * base
                rate[line] += column.pull * speed
            if kept:
                self._touched.update(column.lines, column.powers)

    def start_all(self, floors: Sequence[int], weights: Sequence[int]) -> None:
        """All there are, which take so much of each line at their floors, and for each mA of the level."""
        self.used = [-float(floor) for floor in floors]
        self.rate = [*map(float, weights)]

    def finish(self, columns: Iterable[Column], level: float) -> None:
        """These rise no more."""
        used, rate, kept = self.used, self.rate, self._kept
        for column in columns:
            speed = column.speed * column.left
            base = speed * level
            for line in column.lines:
                used[line] += base
                rate[line] -= speed
            for line in column.powers:
                used[line] += column.pull * base
                rate[line] -= column.pull * speed
            self._tilting.update(column.weighing.steadies)
            if kept:
                self._touched.update(column.lines, column.powers)
            column.base, column.speed = column.base + column.speed * level, 0.0

    # ------------------------------------------------------------ full rows

    def keep(self, row: int) -> None:
        """From now on it is kept full."""
        self._since[row] = next(self._clock)
        for line in self.lines_of(row):
            self._kept.setdefault(line, []).append(row)
            self._touched.add(line)

    def let_go(self, row: int) -> None:
        """It need not be full any more."""
        for line in self.lines_of(row):
            self._kept[line].remove(row)
            if not self._kept[line]:
                del self._kept[line]

    def overdrawn(self) -> Sequence[tuple[int, float, float]]:
        """Rows that are not as full as they are to be kept, and what they are short of: (row, mA, mA a level)."""
        kept, touched = self._kept, self._touched
        if not touched:
            return ()
        found: list[tuple[int, float, float]] = []
        missing = self.missing
        rows = {row for line in kept.keys() & touched for row in kept[line]}
        for row in sorted(rows) if len(rows) > 1 else rows:
            free, rate = missing(row)
            if not -NOTHING <= rate <= NOTHING or not -SAME <= free <= SAME:
                found.append((row, free, rate))
        touched.clear()
        return found

    def settle(self) -> None:
        """What changed since full rows were made full again was their relievers' answer."""
        self._touched.clear()

    def on_full(self, column: Column) -> Sparse:
        """What one mA of such a load takes of the rows that are kept full."""
        kept = self._kept
        pulled = pulls(column.way)
        rows = {row for line in pulled if line in kept for row in kept[line]}
        found = {row: self.coefficient(row, pulled) for row in sorted(rows, key=self._since.__getitem__)}
        return {row: float(coefficient) for row, coefficient in found.items() if coefficient}

    def missing(self, row: int) -> tuple[float, float]:
        """(mA free at level 0, mA taken for each one of level)."""
        used, rate = self.used, self.rate
        if row < self.count:
            return self.room[row] - used[row], rate[row]
        over, under, _, adrift = self.spreads[row - self.count]
        taken, rises = used[over] - used[under], rate[over] - rate[under]
        if adrift is not None:
            taken, rises = taken + used[adrift], rises + rate[adrift]
        return self.room[row] - taken, rises

    def coefficient(self, row: int, pulled: Pulls) -> int:
        """What one mA of a load that pulls so takes of the row."""
        if row < self.count:
            return pulled.get(row, 0)
        return self.spreads[row - self.count].coefficient(pulled)

    def on_lines(self, weights: Mapping[int, float]) -> dict[int, float]:
        """Weights of rows as weights of lines."""
        found: dict[int, float] = {}
        for row, weight in weights.items():
            if row < self.count:
                found[row] = found[row] + weight if row in found else weight
                continue
            over, under, _, adrift = self.spreads[row - self.count]
            found[over] = found.get(over, 0.0) + weight
            found[under] = found.get(under, 0.0) - weight
            if adrift is not None:
                found[adrift] = found.get(adrift, 0.0) + weight
        return {line: weight for line, weight in found.items() if weight > NOTHING or weight < -NOTHING}

    # ------------------------------------------------------------ when they will be full

    def comes_true(self, event: Event, tolerance: float) -> bool:
        """The row is full at the level that was told of it. If it will be later, that is told instead."""
        level, _, row = event
        if level > self._due[row] or row in self.basis.columns:
            return False  # told earlier, or kept full since
        self._due[row] = math.inf
        free, rate = self.missing(row)
        if rate <= NOTHING:
            return False
        when = free / rate
        if when <= level + tolerance:
            return True
        self._tell(row, when)
        return False

    def schedule(self, row: int, level: float) -> None:
        """Tell when it will be full."""
        if row in self.basis.columns:
            return
        free, rate = self.missing(row)
        if rate > NOTHING:
            self._tell(row, max(free / rate, level))

    def _tell(self, row: int, when: float) -> None:
        if when < self._due[row] and when <= self.horizon:
            self._due[row] = when
            heappush(self.heap, (when, FULL, row))

    def schedule_dirty(self, level: float) -> None:
        """Tell when the lines that fill faster now, and the differences they are part of, will be full."""
        if self._dirty:
            self._schedule_lines(self._dirty, level)
            self._dirty.clear()
        if self._tilting:
            self._schedule_pairs([self._pairs[difference] for difference in self._tilting], level)
            self._tilting.clear()

    def look_further(self, horizon: float, level: float) -> None:
        """Tell of all that will be full up to this level."""
        self.horizon = horizon
        room, used, rate = self.room, self.used, self.rate
        self._schedule_lines([line for line in self._lines if room[line] - used[line] <= horizon * rate[line]], level)
        self._schedule_pairs(self._pairs, level)

    def _schedule_lines(self, lines: Iterable[int], level: float) -> None:
        room, used, rate, kept, due = self.room, self.used, self.rate, self.basis.columns, self._due
        for line in lines:
            fills = rate[line]
            if fills > NOTHING:
                when = (room[line] - used[line]) / fills
                if when < due[line] and line not in kept:
                    self._tell(line, max(when, level))

    def _schedule_pairs(self, pairs: Iterable[Pair], level: float) -> None:
        room, used, rate, horizon, kept = self.room, self.used, self.rate, self.horizon, self.basis.columns
        due = self._due
        for row, over, under, adrift in pairs:
            fills = rate[over] - rate[under]
            free = room[row] - used[over] + used[under]
            if adrift is not None:
                fills, free = fills + rate[adrift], free - used[adrift]
            if fills > NOTHING and free <= horizon * fills and free < due[row] * fills and row not in kept:
                self._tell(row, max(free / fills, level))

"""What is taken of every line and every difference of phases while the level rises, and when it will be full."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import heappush
from typing import TypeAlias

from park.load.circuit import LIMITS
from park.load.fair.basis import NOTHING, Basis
from park.load.fair.columns import Pulls, Spread
from tests.park.load.slow.columns import Column

Event: TypeAlias = tuple[float, int, int]
"""(level, kind, number of the load or row)."""

# Of one level: those who are done leave before others join.
STOP, RELIEVER, FULL, START = 0, 1, 2, 3


class Rows:
    """Row = a line, or the number of lines + that of a spread. `used` + `rate` × level is taken of a line, in mA.

    `closed`: full for good, and nobody on it can give way. `locked`: full rows that must stay full.
    """

    __slots__ = (
        "_due",
        "_pairs",
        "basis",
        "closed",
        "count",
        "dirty",
        "heap",
        "locked",
        "rate",
        "room",
        "spreads",
        "used",
    )

    def __init__(self, room: Sequence[int], spreads: Sequence[Spread]) -> None:
        self.count = len(room)
        self.spreads = spreads
        self.room = [float(free) for free in room] + [float(spread.room_ma) for spread in spreads]
        self.used = [0.0] * self.count
        self.rate = [0.0] * self.count
        self.closed = bytearray(self.count)
        self.locked: set[int] = set()
        self.basis = Basis()
        self.heap: list[Event] = []
        self.dirty: set[int] = set()  # lines that fill faster than when they were scheduled
        self._due = [math.inf] * len(self.room)
        self._pairs: dict[int, list[int]] = {}
        for number, spread in enumerate(spreads):
            self._pairs.setdefault(spread.over // LIMITS, []).append(self.count + number)

    @property
    def balanced(self) -> frozenset[int]:
        """Circuits with a limit of imbalance, and what stands for one with the loads of unknown phases."""
        return frozenset({*self._pairs, *(each.adrift // LIMITS for each in self.spreads if each.adrift is not None)})

    def restart(self, level: float) -> None:
        """The level starts anew from 0, and nobody rises."""
        self.used = [used + rate * level for used, rate in zip(self.used, self.rate, strict=True)]
        self.rate = [0.0] * self.count
        self._due = [math.inf] * len(self.room)
        self.heap.clear()
        self.dirty.clear()

    def take(self, column: Column, base: float, speed: float) -> None:
        """So much more is taken by loads of this column."""
        used, rate = self.used, self.rate
        for line, pull in column.pulls.items():
            used[line] += pull * base
            rate[line] += pull * speed
        self.dirty.update(column.pulls if speed > 0.0 else column.weighed)

    def missing(self, row: int) -> tuple[float, float]:
        """(mA free at level 0, mA taken for each one of level)."""
        used, rate = self.used, self.rate
        if row < self.count:
            return self.room[row] - used[row], rate[row]
        spread = self.spreads[row - self.count]
        taken, rises = used[spread.over] - used[spread.under], rate[spread.over] - rate[spread.under]
        if spread.adrift is not None:
            taken, rises = taken + used[spread.adrift], rises + rate[spread.adrift]
        return self.room[row] - taken, rises

    def full_at(self, row: int) -> float:
        """The level at which the row is full; ∞: nothing fills it."""
        free, rate = self.missing(row)
        return free / rate if rate > NOTHING else math.inf

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
        self._due[row] = when
        heappush(self.heap, (when, FULL, row))
        return False

    def schedule(self, row: int, level: float) -> None:
        if row in self.basis.rows:
            return
        when = self.full_at(row)
        if when < self._due[row]:
            when = max(when, level)
            if when < self._due[row]:
                self._due[row] = when
                heappush(self.heap, (when, FULL, row))

    def schedule_dirty(self, level: float) -> None:
        """Tell when the lines that fill faster now, and the differences they are part of, will be full."""
        room, used, rate, due = self.room, self.used, self.rate, self._due
        circuits: set[int] = set()
        for line in self.dirty:
            fills = rate[line]
            if fills > NOTHING and room[line] - used[line] < due[line] * fills:
                self.schedule(line, level)
            if self._pairs and line // LIMITS in self._pairs:
                circuits.add(line // LIMITS)
        for circuit in circuits:
            for row in self._pairs[circuit]:
                free, fills = self.missing(row)
                if fills > NOTHING and free < due[row] * fills:
                    self.schedule(row, level)
        self.dirty.clear()

    def coefficient(self, row: int, pulls: Pulls) -> int:
        """What one mA of a load that pulls so takes of the row."""
        if row < self.count:
            return pulls.get(row, 0)
        return self.spreads[row - self.count].coefficient(pulls)

    def on_lines(self, weights: Mapping[int, float]) -> dict[int, float]:
        """Weights of rows as weights of lines."""
        found: dict[int, float] = {}
        for row, weight in weights.items():
            if row < self.count:
                found[row] = found.get(row, 0.0) + weight
                continue
            spread = self.spreads[row - self.count]
            found[spread.over] = found.get(spread.over, 0.0) + weight
            found[spread.under] = found.get(spread.under, 0.0) - weight
            if spread.adrift is not None:
                found[spread.adrift] = found.get(spread.adrift, 0.0) + weight
        return {line: weight for line, weight in found.items() if abs(weight) > NOTHING}

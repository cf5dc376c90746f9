"""Everybody rises together until a line is full: fair currents where no difference of phases is limited.

The same as `filling` without what spreads need: a full line stops for good whoever loads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from park.load.fair.basis import NOTHING
from park.load.fair.columns import DONE, RISES, SAME, Climber, Column, Stop
from park.load.fair.crowd import Crowd, by_kind, climbing, raised
from park.load.fair.steps import Steps

AHEAD = 1.25  # so far beyond the level lines are looked at, which would not be full before the next step


class _Rise:
    """One run. `used` + `rate` × level is taken of a line, in mA."""

    def __init__(self, crowd: Crowd, room: Sequence[int]) -> None:
        self.crowd = crowd
        self.room = room
        tight = crowd.tight(room)
        self.tight = sorted(tight)
        self.used = [0.0] * len(room)
        self.rate = [0.0] * len(room)
        self.due = [math.inf] * len(room)  # level at which the line is looked at next
        self.horizon = 0.0  # lines that will be full beyond this level are not looked at
        self.closed = bytearray(len(room))
        self.heap: list[tuple[float, int]] = []
        self.on_line = crowd.on_lines(tight)

    def run(self) -> None:
        bound: list[Column] = []
        for column in self.crowd.columns:
            if column.state == DONE:
                continue
            if column.lines or column.powers:
                bound.append(column)
            else:
                column.left = 0
        classes = sorted({column.priority for column in bound}, reverse=True)
        for priority in classes:
            columns = [column for column in bound if column.priority == priority] if len(classes) > 1 else bound
            self._restart(self._rise(columns, only=len(classes) == 1))

    def _rise(self, columns: Sequence[Column], *, only: bool) -> float:
        """One class. Of one level: those at their ceiling leave, then lines become full, then others join.

        `only`: there is no other class.
        """
        heap, level = self.heap, 0.0
        steps, untouched = Steps(columns, self.crowd.ceilings), only
        while step := steps.next():
            before, (level, stops, starts) = level, step
            if level > self.horizon:
                self._look_further(before, level)
            while heap and heap[0][0] < level:
                self._full()
            if stops:
                untouched = False
                self._stop(stops, steps)
            if starts:
                while heap and heap[0][0] <= level:
                    self._full()
                if untouched and len(starts) == len(columns):
                    self._start_all(starts, level)
                else:
                    self._start(starts, level)
        return level

    def _look_further(self, level: float, least: float) -> None:
        self.horizon = horizon = max(least, level * AHEAD)
        room, used, rate = self.room, self.used, self.rate
        self._schedule([line for line in self.tight if room[line] - used[line] <= horizon * rate[line]], level)

    def _restart(self, level: float) -> None:
        """A class is done: the level starts anew."""
        self.used = [used + rate * level for used, rate in zip(self.used, self.rate, strict=True)]
        self.rate = [0.0] * len(self.room)
        self.due = [math.inf] * len(self.room)
        self.horizon = 0.0
        self.heap.clear()

    def _take(self, column: Column, base: float, speed: float) -> None:
        """So much more is taken."""
        used, rate = self.used, self.rate
        for line in column.lines:
            used[line] += base
            rate[line] += speed
        for line in column.powers:
            used[line] += column.pull * base
            rate[line] += column.pull * speed

    def _stop(self, columns: Iterable[Column], steps: Steps) -> None:
        """Who is at its ceiling there has it, unless something stopped it before."""
        ceilings, used, rate = self.crowd.ceilings, self.used, self.rate
        for column in columns:
            if column.state != DONE:
                ceiling = ceilings[column.members[-column.left]]
                ended = steps.ends(column)
                if column.state == RISES:
                    base, speed = ceiling * ended, column.weight * ended
                    for line in column.lines:
                        used[line] += base
                        rate[line] -= speed
                    for line in column.powers:
                        used[line] += column.pull * base
                        rate[line] -= column.pull * speed

    def _start(self, columns: Iterable[Column], level: float) -> None:
        """All those that rise from this floor on."""
        used, rate, closed, full = self.used, self.rate, self.closed, any(self.closed)
        for column in columns:
            stop = next((line for line in column.way if closed[line]), None) if full else None
            if stop is not None:
                column.state, column.stop, column.reached = DONE, stop, column.floor
                continue
            column.state = RISES
            base, speed = -column.floor * column.left, column.weight * column.left
            for line in column.lines:
                used[line] += base
                rate[line] += speed
            for line in column.powers:
                used[line] += column.pull * base
                rate[line] += column.pull * speed
        self._look_further(level, self.horizon)

    def _start_all(self, columns: Iterable[Column], level: float) -> None:
        """The same where these are all there are, and nothing happened yet."""
        for column in columns:
            column.state = RISES
        self.used = [-float(floor) for floor in self.crowd.floors]
        self.rate = [*map(float, self.crowd.weights)]
        self._look_further(level, self.horizon)

    def _schedule(self, lines: Iterable[int], level: float) -> None:
        """Look at them when they will be full."""
        room, used, rate, due, horizon = self.room, self.used, self.rate, self.due, self.horizon
        for line in lines:
            if rate[line] > NOTHING:
                when = max((room[line] - used[line]) / rate[line], level)
                if when < due[line] and when <= horizon:
                    due[line] = when
                    heappush(self.heap, (when, line))

    def _full(self) -> None:
        """Look at the next line that was said to be full."""
        told, line = heappop(self.heap)
        rate = self.rate[line]
        if told > self.due[line] or self.closed[line]:
            return
        self.due[line] = math.inf
        if rate <= NOTHING:
            return
        when = (self.room[line] - self.used[line]) / rate
        if when <= told + SAME:
            self._close(line, told)
        elif when <= self.horizon:
            self.due[line] = when
            heappush(self.heap, (when, line))

    def _close(self, line: int, level: float) -> None:
        """It is full for good: whoever rises on it has what it has."""
        self.closed[line] = 1
        for column in self.on_line[line]:
            if column.state == RISES:
                column.state, column.stop = DONE, line
                column.reached = column.floor + (column.weight * level - column.floor)
                self._take(column, column.weight * level * column.left, -column.weight * column.left)


def rise(crowd: Crowd, room: Sequence[int]) -> None:
    """Weighted max-min fair (lexicographic) currents between floor and ceiling, told by the crowd.

    `room`: mA free on each line, the floors already taken.
    """
    _Rise(crowd, room).run()


def raise_plain(climbers: Sequence[Climber], room: Sequence[int]) -> list[Stop]:
    """The same for these; one `Stop` for each, in order."""
    order = by_kind(climbers)
    crowd = climbing(climbers, order, room)
    rise(crowd, room)
    return raised(climbers, order, crowd)

"""Everybody rises together until a line is full: fair currents where no difference of phases is limited.

The same as `filling` without what spreads need: a full line stops for good whoever loads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from park.load.circuit import Lines, is_power
from park.load.fair.basis import NOTHING
from park.load.fair.columns import SAME, Climber, Stop, wires

WAITS, RISES, DONE = 0, 1, 2


class Kind:
    """Loads that are alike but for their ceilings. Mutable.

    `left`: how many are not at their ceiling yet. `span`: mA from floor to ceiling of all. `reached`: mA of those that
    something stopped, `stop`: what.
    """

    __slots__ = (
        "floor", "left", "lines", "powers", "priority", "pull", "reached", "span", "state", "stop", "way", "weight"
    )  # fmt: skip

    def __init__(self, way: Lines, floor: int, weight: int, priority: int) -> None:
        self.way = way
        self.lines, self.powers, self.pull = wires(way)
        self.floor = floor
        self.weight = weight
        self.priority = priority
        self.left = 0
        self.span = 0
        self.state = WAITS
        self.reached = float(floor)
        self.stop: int | None = None


class Crowd:
    """All that rise: the `kind` and the ceiling (mA) of each, and the kinds in the order of their first member."""

    __slots__ = ("ceilings", "kind", "kinds")

    def __init__(self, loads: Sequence[tuple[Lines, int, int, int, int]] = ()) -> None:
        """`loads`: (lines, floor, ceiling, weight, priority) of each, as in `Climber`."""
        known: dict[tuple[Lines, int, int, int], Kind] = {}
        of: list[Kind] = []
        for lines, floor, ceiling, weight, priority in loads:
            key = (lines, floor, weight, priority)
            kind = known.get(key)
            if kind is None:
                kind = known[key] = Kind(lines, floor, weight, priority)
            kind.left += 1
            kind.span += ceiling - floor
            of.append(kind)
        self.kind = of
        self.kinds = list(known.values())
        self.ceilings = [load[2] for load in loads]

    def without(self, gone: Sequence[bool]) -> Crowd:
        """All but those that are marked; the kinds are the same, and count no more who is gone."""
        for kind, ceiling, goes in zip(self.kind, self.ceilings, gone, strict=True):
            if goes:
                kind.left -= 1
                kind.span -= ceiling - kind.floor
        left = Crowd()
        left.kinds = [kind for kind in self.kinds if kind.left]
        left.kind = [kind for kind, goes in zip(self.kind, gone, strict=True) if not goes]
        left.ceilings = [ceiling for ceiling, goes in zip(self.ceilings, gone, strict=True) if not goes]
        return left

    def beside_floors(self, room: Sequence[int]) -> list[int]:
        """The room that the floors of all leave."""
        left = list(room)
        for kind in self.kinds:
            current = kind.floor * kind.left
            for line in kind.lines:
                left[line] -= current
            for line in kind.powers:
                left[line] -= kind.pull * current
        return left

    def short(self, left: Sequence[int]) -> set[Kind]:
        """Those on lines with too little room for the floors of all."""
        if min(left, default=0) >= 0:
            return set()
        lines = {line for line, free in enumerate(left) if free < 0}
        return {kind for kind in self.kinds if not lines.isdisjoint(kind.way)}


class _Rise:
    """One run. `used` + `rate` × level is taken of a line, in mA."""

    def __init__(self, crowd: Crowd, room: Sequence[int]) -> None:
        self.crowd = crowd
        self.room = room
        self.used = [0.0] * len(room)
        self.rate = [0.0] * len(room)
        self.due = [math.inf] * len(room)  # level at which the line is looked at next
        self.level = 0.0  # at which the class before ended
        self.closed = bytearray(len(room))
        self.heap: list[tuple[float, int]] = []
        self.on_line: dict[int, list[Kind]] = {}
        self.ended = bytearray(len(crowd.kind))  # loads at their ceiling
        self._forget_wide_lines()

    def _forget_wide_lines(self) -> None:
        """Only lines are kept that would be full if all had all they want."""
        left = list(self.room)
        for kind in self.crowd.kinds:
            span = kind.span
            for line in kind.lines:
                left[line] -= span
            for line in kind.powers:
                left[line] -= span * kind.pull
        tight = {line for line, free in enumerate(left) if free < 0} if min(left, default=0) < 0 else set[int]()
        on_line = self.on_line = {line: [] for line in tight}
        watts = any(is_power(line) for line in tight)
        for kind in self.crowd.kinds:
            if not tight.issuperset(kind.lines):
                kind.lines = tuple([line for line in kind.lines if line in tight])
            kind.powers = tuple([line for line in kind.powers if line in tight]) if watts else ()
            for line in kind.lines:
                on_line[line].append(kind)
            for line in kind.powers:
                on_line[line].append(kind)

    def run(self) -> None:
        crowd = self.crowd
        classes = {kind.priority for kind in crowd.kinds}
        levels = [ceiling / kind.weight for ceiling, kind in zip(crowd.ceilings, crowd.kind, strict=True)]
        members: Iterable[int] = sorted(range(len(levels)), key=levels.__getitem__)
        for priority in sorted(classes, reverse=True):
            if len(classes) > 1:
                self._restart()
            starts = [(kind.floor / kind.weight, kind) for kind in crowd.kinds if kind.priority == priority]
            starts.sort(key=lambda start: -start[0])
            if len(classes) == 1:
                self._rise(starts, members, levels)
            else:
                self._rise(starts, [number for number in members if crowd.kind[number].priority == priority], levels)

    def _rise(self, starts: list[tuple[float, Kind]], members: Iterable[int], levels: Sequence[float]) -> None:
        """One class. Of one level: those at their ceiling leave, then lines become full, then others join."""
        heap, kind_of, ceilings, ended = self.heap, self.crowd.kind, self.crowd.ceilings, self.ended
        level = 0.0
        for number in members:
            ceiling = levels[number]
            while starts and starts[-1][0] < ceiling:
                level = self._start(starts, level)
            while heap and heap[0][0] < ceiling:
                level = self._full(level)
            level = ceiling
            kind = kind_of[number]
            if kind.state == DONE:
                continue
            ended[number] = 1
            kind.left -= 1
            if kind.state == RISES:
                self._take(kind, ceilings[number], -kind.weight)
        self.level = level

    def _restart(self) -> None:
        """The class before is done: the level starts anew."""
        self.used = [used + rate * self.level for used, rate in zip(self.used, self.rate, strict=True)]
        self.rate = [0.0] * len(self.room)
        self.due = [math.inf] * len(self.room)
        self.heap.clear()

    def _take(self, kind: Kind, base: float, speed: float) -> None:
        """So much more is taken."""
        used, rate = self.used, self.rate
        for line in kind.lines:
            used[line] += base
            rate[line] += speed
        for line in kind.powers:
            used[line] += kind.pull * base
            rate[line] += kind.pull * speed

    def _start(self, starts: list[tuple[float, Kind]], level: float) -> float:
        """All those that rise from the next floor on. Returns the level."""
        floor, heap = starts[-1][0], self.heap
        while heap and heap[0][0] <= floor:
            level = self._full(level)
        faster: set[int] = set()
        closed, full = self.closed, any(self.closed)
        while starts and starts[-1][0] == floor:
            kind = starts.pop()[1]
            stop = next((line for line in kind.way if closed[line]), None) if full else None
            if stop is not None:
                kind.state, kind.stop = DONE, stop
                continue
            kind.state = RISES
            self._take(kind, -kind.floor * kind.left, kind.weight * kind.left)
            faster.update(kind.lines, kind.powers)
        self._schedule(faster, floor)
        return floor

    def _schedule(self, lines: Iterable[int], level: float) -> None:
        """Look at them when they will be full."""
        room, used, rate, due = self.room, self.used, self.rate, self.due
        for line in lines:
            if rate[line] > NOTHING:
                when = max((room[line] - used[line]) / rate[line], level)
                if when < due[line]:
                    due[line] = when
                    heappush(self.heap, (when, line))

    def _full(self, level: float) -> float:
        """Look at the next line that was said to be full. Returns the level."""
        told, line = heappop(self.heap)
        rate = self.rate[line]
        if told > self.due[line] or self.closed[line]:
            return level
        self.due[line] = math.inf
        if rate <= NOTHING:
            return level
        when = (self.room[line] - self.used[line]) / rate
        if when > told + SAME:
            self.due[line] = when
            heappush(self.heap, (when, line))
            return level
        self._close(line, max(level, told))
        return max(level, told)

    def _close(self, line: int, level: float) -> None:
        """It is full for good: whoever rises on it has what it has."""
        self.closed[line] = 1
        for kind in self.on_line[line]:
            if kind.state == RISES:
                kind.state, kind.stop = DONE, line
                kind.reached = kind.floor + (kind.weight * level - kind.floor)
                self._take(kind, kind.weight * level * kind.left, -kind.weight * kind.left)


def rise(crowd: Crowd, room: Sequence[int]) -> list[Stop]:
    """Weighted max-min fair (lexicographic) currents between floor and ceiling; one `Stop` for each, in order.

    `room`: mA free on each line, the floors already taken. Changes the kinds of the crowd.
    """
    run = _Rise(crowd, room)
    run.run()
    return [
        (ceiling, None) if ended else (kind.reached, kind.stop)
        for ceiling, ended, kind in zip(crowd.ceilings, run.ended, crowd.kind, strict=True)
    ]


def raise_plain(climbers: Sequence[Climber], room: Sequence[int]) -> list[Stop]:
    """The same for these."""
    return rise(Crowd(climbers), room)

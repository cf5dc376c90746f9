"""Water filling: everybody rises together until a conductor is full or the own maximum is reached (safety §2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from park.load.circuit import Lines

Stop: TypeAlias = tuple[int, int | None]
"""(mA reached, the conductor that stopped it; None: its own maximum)."""

_STOP, _START = 0, 1  # at one level those who are done leave before others join


@dataclass(frozen=True, slots=True)
class Climber:
    """`count` equal loads that have `floor_ma` already and may rise to `ceiling_ma`, each `weight` mA a step."""

    lines: Lines
    floor_ma: int
    ceiling_ma: int
    weight: int = 1
    count: int = 1


class _Filling:
    """One run. `level`: mA per unit of weight that all riders have. `pull`: mA a conductor loses per unit of level."""

    __slots__ = ("climbers", "level", "pull", "riders", "room", "stops")

    def __init__(self, climbers: Sequence[Climber], room: list[int]) -> None:
        self.climbers = climbers
        self.room = room
        self.pull = [0] * len(room)
        self.riders: set[int] = set()
        self.stops: list[Stop] = [(climber.floor_ma, None) for climber in climbers]
        self.level = 0

    def run(self) -> list[Stop]:
        events: list[tuple[int, int, int]] = []
        for number, climber in enumerate(self.climbers):
            if climber.ceiling_ma > climber.floor_ma:
                events.append((climber.floor_ma // climber.weight, _START, number))
                events.append((-(-climber.ceiling_ma // climber.weight), _STOP, number))
        events.sort()
        for level, kind, number in events:
            self._rise_to(level)
            if kind == _START:
                self._join(number)
            elif number in self.riders:
                self._leave(number, None)
        return self.stops

    def _rise_to(self, level: int) -> None:
        room, pull = self.room, self.pull
        while self.riders and self.level < level:
            step = min([free // weight for free, weight in zip(room, pull, strict=True) if weight], default=0)
            step = min(step, level - self.level)
            for line, weight in enumerate(pull):
                if weight:
                    room[line] -= weight * step
            self.level += step
            if self.level < level:
                self._stop_at_full_lines()
        self.level = level

    def _stop_at_full_lines(self) -> None:
        for line, weight in enumerate(self.pull):
            if weight and self.room[line] < weight:
                for number in [rider for rider in self.riders if line in self.climbers[rider].lines]:
                    self._leave(number, line)

    def _join(self, number: int) -> None:
        climber = self.climbers[number]
        for line in climber.lines:
            if self.room[line] < climber.weight * climber.count:
                self.stops[number] = (climber.floor_ma, line)
                return
        self.riders.add(number)
        for line in climber.lines:
            self.pull[line] += climber.weight * climber.count

    def _leave(self, number: int, stopped_by: int | None) -> None:
        climber = self.climbers[number]
        self.riders.remove(number)
        for line in climber.lines:
            self.pull[line] -= climber.weight * climber.count
        reached = max(climber.floor_ma, min(climber.ceiling_ma, self.level * climber.weight))
        self.stops[number] = (reached, stopped_by)


def raise_together(climbers: Sequence[Climber], room: list[int]) -> list[Stop]:
    """Max-min fair (weighted) currents between floor and ceiling; one `Stop` for each climber, in order.

    `room`: mA free on each conductor, the floors already taken; what is used up is subtracted in place. What remains
    on a full conductor is less than one step (1 mA × weight) of those it stopped. Independent of the order.
    """
    return _Filling(climbers, room).run()

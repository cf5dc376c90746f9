"""Rounding down takes a little else from every phase: those with too much then give up steps till it is level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import Protocol

from park.load.circuit import Lines
from park.load.fair.balance import Scales
from park.load.fair.columns import Weighing


class Served(Protocol):
    """A load with a share."""

    @property
    def charge_point(self) -> str: ...
    @property
    def lines(self) -> Lines: ...
    @property
    def minimum_ma(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def weight(self) -> int: ...
    @property
    def resolution_ma(self) -> int: ...


def level_again(served: Sequence[Served], currents: list[int], scales: Scales) -> None:
    """Lower `currents` by steps of the hardware until no difference is too large; who has most gives first.

    On the scales are these currents. It ends: all at their minima are in balance, or nobody on the phase with too much
    is above its minimum.
    """
    kinds: dict[Weighing, list[int]] = {}
    for number, load in enumerate(served):
        kinds.setdefault(scales.of[load.lines], []).append(number)
    given = True
    while given and (differences := scales.tilted()):
        given = False
        for difference in differences:
            who = [number for weighing, of in kinds.items() if difference in weighing.tips for number in of]
            given = _lower(served, currents, scales, difference, who) or given


def _lower(served: Sequence[Served], currents: list[int], scales: Scales, difference: int, who: Iterable[int]) -> bool:
    """`who`: those who make the difference larger."""
    loads = [(number, served[number]) for number in who]
    heap = [
        (load.priority, -currents[number] / load.weight, load.charge_point, number)
        for number, load in loads
        if currents[number] > load.minimum_ma
    ]
    heapify(heap)
    given = False
    while heap and scales.room[difference] < 0:
        priority, _, name, number = heappop(heap)
        load = served[number]
        lower = max(load.minimum_ma, currents[number] - load.resolution_ma)
        scales.put(load.lines, lower - currents[number])
        currents[number], given = lower, True
        if lower > load.minimum_ma:
            heappush(heap, (priority, -lower / load.weight, name, number))
    return given

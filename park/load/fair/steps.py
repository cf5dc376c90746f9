"""The levels at which loads join and leave the common level, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from park.load.fair.columns import Column


class Steps:
    """Of one class of priority. Mutable.

    A column stands at the level of its lowest ceiling that was not reached yet, so who is done costs nothing more.
    """

    __slots__ = ("_ceilings", "_levels", "_starts", "_stops")

    def __init__(self, columns: Iterable[Column], ceilings: Sequence[int]) -> None:
        self._ceilings = ceilings
        self._starts: dict[float, list[Column]] = {}
        self._stops: dict[float, list[Column]] = {}
        starts, stops = self._starts, self._stops
        for column in columns:
            weight = column.weight
            start = column.floor / weight
            if start in starts:
                starts[start].append(column)
            else:
                starts[start] = [column]
            stop = ceilings[column.members[-column.left]] / weight
            if stop in stops:
                stops[stop].append(column)
            else:
                stops[stop] = [column]
        self._levels = list({**starts, **stops})
        heapify(self._levels)

    def next(self) -> tuple[float, Sequence[Column], Sequence[Column]] | None:
        """(level, columns with members whose ceiling is there, columns whose floor is there); None: that was all."""
        if not self._levels:
            return None
        level = heappop(self._levels)
        return level, self._stops.pop(level, ()), self._starts.pop(level, ())

    def ends(self, column: Column) -> int:
        """Its members with the lowest ceiling leave it, the others stand at their own level. Returns how many left."""
        members, ceilings = column.members, self._ceilings
        count, first = len(members), len(members) - column.left
        ceiling, after = ceilings[members[first]], first + 1
        while after < count and ceilings[members[after]] == ceiling:
            after += 1
        column.left = count - after
        if after < count:
            self.expect(column)
        return after - first

    def expect(self, column: Column) -> None:
        """It will be at its lowest ceiling."""
        level = self._ceilings[column.members[-column.left]] / column.weight
        if level in self._stops:
            self._stops[level].append(column)
        else:
            self._stops[level] = [column]
            heappush(self._levels, level)

"""Who can give way when a row is full: the order in which loads are asked to help, and who helps already."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence

from park.load.fair.basis import NOTHING
from park.load.fair.columns import DONE, HELPS, RISES, Column, Weighing
from park.load.fair.crowd import Crowd, Place, Ranked
from park.load.fair.rows import Rows


class Prices:
    """Of full rows, weighed: what one mA more of a load costs. `by_line`; `of_differences` only, found when asked.

    `lines`: those that are full rows themselves; `paying`: where it costs less than nothing.
    """

    __slots__ = ("_differences", "_known", "by_line", "lines", "paying")

    def __init__(self, rows: Rows, weights: Mapping[int, float]) -> None:
        self.lines = {row for row in weights if row < rows.count}
        self.paying = {line for line in self.lines if weights[line] < 0}
        self.by_line = rows.on_lines(weights)
        self._differences = {row - rows.count: weight for row, weight in weights.items() if row >= rows.count}
        self._known: dict[Weighing, float] = {}

    def of(self, column: Column) -> float:
        """What one mA more of such a load costs."""
        if not self.lines or self.lines.isdisjoint(column.way):
            return self.of_differences(column.weighing)
        return column.price(self.by_line)

    def dear(self, weighing: Weighing, columns: Iterable[Column]) -> Iterable[Column]:
        """Those of these columns, which all weigh so, where it costs more than nothing."""
        lines, by_line, dear = self.lines, self.by_line, self.of_differences(weighing) > NOTHING
        if not lines:
            return columns if dear else ()
        return (
            column for column in columns if (dear if lines.isdisjoint(column.way) else column.price(by_line) > NOTHING)
        )

    def of_differences(self, weighing: Weighing) -> float:
        """What it costs on the differences."""
        known = self._known.get(weighing)
        if known is None:
            weights = self._differences
            known = sum([weights[each] for each in weighing.tips if each in weights])
            known -= sum([weights[each] for each in weighing.steadies if each in weights])
            self._known[weighing] = known
        return known


class Helpers:
    """Also those at their ceilings before their time, who may be lowered. Mutable.

    `helping`: those who keep rows full by the lines they load, in the order in which they came.
    """

    __slots__ = ("_at_ceiling", "_away", "_ceilings", "_on_line", "_ranked", "_singles", "crowd", "helping")

    def __init__(self, crowd: Crowd, lines: set[int]) -> None:
        self.crowd = crowd
        self._on_line = crowd.on_lines(lines)
        self._ceilings: dict[Weighing, dict[int, Column]] = {}
        self._at_ceiling: dict[int, int] = {}  # by line: so many of them load it
        self.helping: dict[int, list[int]] = {}
        self._ranked: dict[int, Ranked] = {}  # on lines where somebody was asked; without those found done or away
        self._away: dict[int, list[tuple[list[Place], Place]]] = {}  # help, or are at their ceilings: where they belong
        self._singles: dict[int, list[Column]] = {}  # loads that left their column to help, by the lines they load

    def find(self, prices: Prices, closed: Sequence[int]) -> Column | None:
        """A load that can give way at these prices, by rising, or from its ceiling by falling; it helps now."""
        for _, line in sorted([(price, line) for line, price in prices.by_line.items() if price < 0]):
            column = self._first(line, prices, closed)
            if column is not None:
                return self._alone(column)
        for weighing, columns in self._ceilings.items():
            for column in prices.dear(weighing, columns.values()):
                return self._alone(column)
        return None

    def rising_on(self, lines: Iterable[int], prices: Prices) -> Iterable[Column]:
        """Who rises on these lines though it costs something there."""
        for line in lines:
            for weighing, columns in self._ranks(line).items():
                yield from prices.dear(weighing, [column for _, column in columns if column.state == RISES])
            for column in self._singles.get(line, ()):
                if column.state == RISES and prices.of(column) > NOTHING:
                    yield column

    def rising(self, line: int) -> list[Column]:
        """All that load it and rise."""
        found = [column for column in self._on_line.get(line, ()) if column.state == RISES]
        if line in self._singles:
            found += [column for column in self._singles[line] if column.state == RISES]
        return found

    def joins(self, reliever: Column) -> None:
        """It keeps a row full."""
        for line in (*reliever.lines, *reliever.powers):
            self.helping.setdefault(line, []).append(reliever.number)

    def leaves(self, reliever: Column) -> None:
        """It does so no more."""
        for line in (*reliever.lines, *reliever.powers):
            self.helping[line].remove(reliever.number)
        if reliever.state <= RISES:
            for columns, place in self._away.pop(reliever.number, ()):
                insort(columns, place)

    def can_give_way(self, line: int) -> bool:
        """Somebody who loads the line keeps a row full, or is at its ceiling before its time."""
        return bool(self.helping.get(line) or self._at_ceiling.get(line))

    def at_ceiling(self, column: Column) -> None:
        """It is there before its time."""
        self._ceilings.setdefault(column.weighing, {})[column.number] = column
        for line in (*column.lines, *column.powers):
            self._at_ceiling[line] = self._at_ceiling.get(line, 0) + 1

    def ends(self, column: Column) -> None:
        """It helps no more, and cannot be lowered."""
        if self._ceilings.get(column.weighing, {}).pop(column.number, None) is not None:
            for line in (*column.lines, *column.powers):
                self._at_ceiling[line] -= 1

    def stay(self, prices: Prices) -> None:
        """Those at their ceiling who relieve lines of these prices stay there."""
        stay: list[Column] = []
        for weighing, columns in self._ceilings.items():
            if prices.lines or prices.of_differences(weighing) < -NOTHING:
                stay += [column for column in columns.values() if prices.of(column) < -NOTHING]
        for column in stay:
            self.ends(column)
            column.state = DONE

    def _first(self, line: int, prices: Prices, closed: Sequence[int]) -> Column | None:
        """Who can help most comes first, who was one of many and helped already last."""
        found = [
            best
            for weighing, columns in self._ranks(line).items()
            for few in self._may_pay(line, weighing, columns, prices)
            if (best := self._best(few, line, prices, closed)) is not None
        ]
        if found:
            return min(found)[1]
        return next((single for single in self._singles.get(line, ()) if self._helps(single, prices, closed)), None)

    def _may_pay(self, line: int, weighing: Weighing, columns: list[Place], prices: Prices) -> Iterable[list[Place]]:
        """Where those of the line's columns are that cost less than nothing: a long line has many that never do."""
        if line in prices.paying or prices.of_differences(weighing) < -NOTHING:
            return (columns,)
        return [few for other in prices.paying if (few := self._ranks(other).get(weighing))]

    def _best(self, columns: list[Place], line: int, prices: Prices, closed: Sequence[int]) -> Place | None:
        """Of those who load the line too. Who helps already is not looked at again before it leaves."""
        number = 0
        while number < len(columns):
            place = columns[number]
            column = place[1]
            if column.state > RISES:
                del columns[number]
                if column.state != DONE:
                    self._away.setdefault(column.number, []).append((columns, place))
                continue
            if line in column.way and self._helps(column, prices, closed):
                return place
            number += 1
        return None

    def _ranks(self, line: int) -> Ranked:
        known = self._ranked.get(line)
        if known is None:
            known = {weighing: columns.copy() for weighing, columns in self.crowd.ranked(line).items()}
            self._ranked[line] = known
        return known

    def _helps(self, column: Column, prices: Prices, closed: Sequence[int]) -> bool:
        """If it rises."""
        if column.state > RISES or prices.of(column) >= -NOTHING:
            return False
        if self.crowd.ceilings[column.members[-1]] <= column.floor:
            return False
        return not any(map(closed.__getitem__, column.way))

    def _alone(self, column: Column) -> Column:
        """Its load with the highest ceiling, on a column of its own, to help."""
        if column.left == 1:
            self.ends(column)
            column.state = HELPS
            column.span = self.crowd.ceilings[column.members[-1]] - column.floor
            return column
        single = self.crowd.alone(column)
        for line in (*single.lines, *single.powers):
            self._singles.setdefault(line, []).append(single)
        return single

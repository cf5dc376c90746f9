"""Everybody rises together until a row is full; where the balance of phases stops some, others rise ahead to help them.

The level is what everybody has, in mA a unit of weight. A full conductor or power stops for good whoever loads it. A
full `Spread` does not: a load on the phase that carries too little leaves the level and rises as fast as the row needs,
and a reliever that can rise no more hands over to the next. Only when nobody can help, those who load the row are
stopped. In the words of linear programming: the dual simplex method with the level as parameter, one class after the
other; its result is the lexicographic optimum, and does not depend on the order of the loads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from park.load.fair.basis import NOTHING, Sparse
from park.load.fair.columns import AT_CEILING, DONE, HELPS, RISES, SAME, WAITS, Climber, Spread, Stop
from tests.park.load.slow.columns import Column, columns
from tests.park.load.slow.rows import FULL, RELIEVER, START, STOP, Event, Rows


class _Filling:
    """One run."""

    def __init__(self, climbers: Sequence[Climber], room: Sequence[int], spreads: Sequence[Spread]) -> None:
        self.climbers = climbers
        self.rows = Rows(room, spreads)
        self.columns, self.column_of = columns(climbers, room, self.rows.balanced)
        self.ended = bytearray(len(climbers))  # climbers at their ceiling
        self.level = 0.0
        self.rising: int | None = None  # the class that rises
        self.watched: dict[int, float] = {}  # level at which a reliever is looked at next
        self.settled: set[int] = set()  # relievers that keep a row full and have their final current
        self.ceilings: dict[int, Column] = {}  # columns at their ceiling before their time
        self.on_line: dict[int, list[Column]] = {}
        ordered = sorted(self.columns, key=self._usefulness) if spreads else self.columns
        for column in ordered:
            for line in column.pulls:
                if line in self.on_line:
                    self.on_line[line].append(column)
                else:
                    self.on_line[line] = [column]

    def _usefulness(self, column: Column) -> tuple[object, ...]:
        """Who helps first: who can help most."""
        return (-column.span, self.climbers[column.members[0]])

    # ------------------------------------------------------------ the run

    def run(self) -> list[Stop]:
        for priority in sorted({column.priority for column in self.columns}, reverse=True):
            self._rise(priority)
        reached = [(column.floor + self._value(column), column.stop) for column in self.columns]
        return [
            (climber.ceiling_ma, None) if ended else reached[column]
            for climber, ended, column in zip(self.climbers, self.ended, self.column_of, strict=True)
        ]

    def _rise(self, priority: int) -> None:
        self._restart(priority)
        heap, rows = self.rows.heap, self.rows
        before: tuple[float, int] | None = None
        for level, kind, number in self._steps(priority):
            if (level, kind) != before:  # what happens at one level happens at once
                if rows.dirty:
                    rows.schedule_dirty(self.level)
                before = (level, kind)
                while heap and heap[0] < before:
                    self._handle(heappop(heap))
                self.level = level
            if kind == STOP:
                self._reaches_ceiling(number)
            else:
                self._starts(self.columns[number])

    def _steps(self, priority: int) -> list[Event]:
        columns = [column for column in self.columns if column.priority == priority and column.state != DONE]
        steps: list[Event] = [(column.floor / column.weight, START, column.number) for column in columns]
        climbers = self.climbers
        for column in columns:
            weight = column.weight
            steps += [(climbers[number].ceiling_ma / weight, STOP, number) for number in column.members]
        steps.sort()
        return steps

    def _restart(self, priority: int) -> None:
        """The class before is done: the level starts anew."""
        for reliever in self.rows.basis.inverse:
            column = self.columns[reliever]
            column.base, column.speed = self._value(column), 0.0
        self.rows.restart(self.level)
        self.watched.clear()
        self.level, self.rising = 0.0, priority

    def _handle(self, event: Event) -> None:
        level, kind, number = event
        rows = self.rows
        if kind == FULL:
            if not rows.comes_true(event, SAME):
                return
            self.level = max(self.level, level)
            self._full(number)
        elif kind == START:
            self.level = max(self.level, level)
            self._starts(self.columns[number])
        else:
            column = self.columns[number]
            if column.state != HELPS or level > self.watched.pop(number, math.inf):
                return
            when, way = self._reliever_due(column)
            if when > level + SAME:
                self._watch(column)
                return
            self.level = max(self.level, level)
            self._reliever_at_bound(column, way)
        rows.schedule_dirty(self.level)

    # ------------------------------------------------------------ loads

    def _value(self, column: Column) -> float:
        return column.base + column.speed * self.level

    def _starts(self, column: Column) -> None:
        if column.state == HELPS:
            self._watch(column)
        if column.state != WAITS:
            return
        closed = self.rows.closed
        for line in column.pulls:
            if closed[line]:
                column.state, column.stop = DONE, line
                return
        column.state = RISES
        self._change(column, -float(column.floor), float(column.weight))

    def _reaches_ceiling(self, number: int) -> None:
        column = self.columns[self.column_of[number]]
        state = column.state
        if state == DONE:
            return
        if state == HELPS:
            if column.number not in self.settled:
                self._reliever_at_bound(column, -1)
            if column.state == HELPS:
                return
        self.ended[number] = 1
        column.left -= 1
        if column.state == RISES:
            base = self.climbers[number].ceiling_ma - column.floor - column.base
            if self.rows.basis.rows:
                self._shift(column, base, -column.speed, 1)
            else:
                self.rows.take(column, base, -column.speed)
        if not column.left:
            self.ceilings.pop(column.number, None)
            column.state = DONE

    def _change(self, column: Column, base: float, speed: float) -> None:
        """Another course for loads that keep no row full."""
        column.base += base
        column.speed += speed
        self._shift(column, base, speed, column.left)

    def _shift(self, column: Column, base: float, speed: float, count: int) -> None:
        """So much more of so many loads of the column; the relievers answer on the rows that are kept full."""
        rows = self.rows
        rows.take(column, base * count, speed * count)
        if rows.basis.rows:
            for reliever, answer in rows.basis.answers(self._on_full_rows(column, count)).items():
                self._answer(self.columns[reliever], -answer * base, -answer * speed)

    def _answer(self, reliever: Column, base: float, speed: float) -> None:
        reliever.base += base
        reliever.speed += speed
        self.rows.take(reliever, base, speed)
        self._watch(reliever)

    def _on_full_rows(self, column: Column, count: int) -> Sparse:
        rows, pulls = self.rows, column.pulls
        full, spreads, lines = rows.basis.columns, rows.spreads, rows.count
        found: Sparse = {}
        for row in full:
            coefficient = pulls.get(row, 0) if row < lines else spreads[row - lines].coefficient(pulls)
            if coefficient:
                found[row] = coefficient * count
        return found

    # ------------------------------------------------------------ relievers

    def _watch(self, reliever: Column) -> None:
        when = max(self._reliever_due(reliever)[0], self.level)
        if when < self.watched.get(reliever.number, math.inf):
            self.watched[reliever.number] = when
            heappush(self.rows.heap, (when, RELIEVER, reliever.number))

    def _reliever_due(self, reliever: Column) -> tuple[float, int]:
        """When it reaches its ceiling (1) or comes down to what it must have at least (−1)."""
        base, speed = reliever.base, reliever.speed
        due, way = ((reliever.span - base) / speed, 1) if speed > NOTHING else (math.inf, 1)
        if reliever.number in self.settled:
            return (self.level, -1) if speed < -NOTHING else (due, way)
        if speed < -NOTHING and -base / speed < due:
            due, way = -base / speed, -1
        if reliever.priority == self.rising and speed < reliever.weight - NOTHING:
            met = (base + reliever.floor) / (reliever.weight - speed)
            if met < due:
                due, way = met, -1
        return due, way

    def _reliever_at_bound(self, reliever: Column, way: int) -> None:
        basis = self.rows.basis
        weights = {row: -way * entry for row, entry in basis.inverse[reliever.number].items()}
        row = self._other_row(weights)
        if row is not None:
            basis.shrink(reliever.number, row)
            self._leaves_basis(reliever, way)
            self.rows.schedule(row, self.level)
            return
        other = self._other_reliever(weights)
        if other is None:
            self._certify(weights, None)
            if way < 0 and reliever.number not in self.settled:
                reliever.stop = self._named(reliever, weights, None)
            self.settled.add(reliever.number)
            return
        basis.replace_reliever(reliever.number, other.number, basis.answers(self._on_full_rows(other, 1)))
        self._leaves_basis(reliever, way)
        self._watch(other)

    def _leaves_basis(self, reliever: Column, way: int) -> None:
        value, speed = 0.0, 0.0
        if reliever.number in self.settled:
            reliever.state, value = DONE, self._value(reliever)
        elif way > 0:
            reliever.state, value = AT_CEILING, float(reliever.span)
            self.ceilings[reliever.number] = reliever
        elif reliever.priority == self.rising and self.level * reliever.weight >= reliever.floor - SAME:
            reliever.state = RISES
            value, speed = -float(reliever.floor), float(reliever.weight)
        else:
            reliever.state = WAITS
            if reliever.priority == self.rising:
                heappush(self.rows.heap, (reliever.floor / reliever.weight, START, reliever.number))
        self._change(reliever, value - reliever.base, speed - reliever.speed)

    def _alone(self, column: Column) -> Column:
        """Its load with the highest ceiling, on a column of its own, to help."""
        if column.left == 1:
            self.ceilings.pop(column.number, None)
            column.state = HELPS
            return column
        member = column.members[-1]
        column.members, column.left = column.members[:-1], column.left - 1
        column.span = self.climbers[column.members[-1]].ceiling_ma - column.floor
        single = Column(
            len(self.columns), column, column.pulls, [member], self.climbers[member].ceiling_ma - column.floor
        )
        single.base, single.speed, single.state = column.base, column.speed, HELPS
        self.columns.append(single)
        self.column_of[member] = single.number
        for line in single.pulls:
            self.on_line[line].append(single)
        return single

    # ------------------------------------------------------------ full rows

    def _full(self, row: int) -> None:
        rows, basis = self.rows, self.rows.basis
        coefficients: Sparse = {}
        for reliever in basis.inverse:
            coefficient = rows.coefficient(row, self.columns[reliever].pulls)
            if coefficient:
                coefficients[reliever] = coefficient
        if not coefficients and row < rows.count and not any(row in each.pulls for each in self.ceilings.values()):
            self._close(row)
            return
        multipliers = basis.multipliers(coefficients)
        weights = {full: -entry for full, entry in multipliers.items()} | {row: 1.0}
        released = self._other_row(weights, row)
        if released is not None:
            basis.replace_row(released, row, multipliers)
            self._keep_full(row)
            rows.schedule(released, self.level)
            return
        reliever = self._other_reliever(weights)
        if reliever is None:
            self._certify(weights, row)
            return
        on_full = self._on_full_rows(reliever, 1)
        pivot = rows.coefficient(row, reliever.pulls) - sum(
            multipliers.get(full, 0.0) * on_full[full] for full in on_full
        )
        basis.grow(row, reliever.number, multipliers, basis.answers(on_full), pivot)
        self._keep_full(row)
        self._watch(reliever)

    def _keep_full(self, row: int) -> None:
        """From now on the row stays full: its relievers take over what it would be overdrawn by."""
        base, rate = self.rows.missing(row)
        for reliever, entry in self.rows.basis.columns[row].items():
            self._answer(self.columns[reliever], entry * base, -entry * rate)

    def _other_row(self, weights: Sparse, row: int | None = None) -> int | None:
        """A full row that need not be full any more."""
        locked = self.rows.locked
        return next((full for full in weights if weights[full] < -NOTHING and full != row and full not in locked), None)

    def _other_reliever(self, weights: Sparse) -> Column | None:
        """A load that can give way on the rows weighed so, by rising, or from its ceiling by falling; it helps now."""
        prices = self.rows.on_lines(weights)
        for line in sorted(prices, key=lambda line: (prices[line], line)):
            if prices[line] >= 0:
                break
            for column in self.on_line.get(line, ()):
                if column.state <= RISES and self._price(column, prices) < -NOTHING and self._may_rise(column):
                    return self._alone(column)
        for column in self.ceilings.values():
            if self._price(column, prices) > NOTHING:
                return self._alone(column)
        return None

    def _may_rise(self, column: Column) -> bool:
        closed = self.rows.closed
        return column.span > 0 and not any(closed[line] for line in column.pulls)

    def _price(self, column: Column, prices: Mapping[int, float]) -> float:
        return sum([pull * prices[line] for line, pull in column.pulls.items() if line in prices])

    def _close(self, line: int) -> None:
        """The line is full for good, and nobody could give way."""
        self.rows.closed[line] = 1
        for column in self.on_line.get(line, ()):
            if column.state == RISES:
                column.state, column.stop = DONE, line
                self._change(column, column.speed * self.level, -column.speed)

    def _certify(self, weights: Sparse, row: int | None) -> None:
        """Nobody can give way: whoever loads these rows is stopped for good, and whoever relieves them stays."""
        prices = self.rows.on_lines(weights)
        self.rows.locked.update(weights)
        if row is not None and len(weights) == 1 and row < self.rows.count:
            self.rows.closed[row] = 1
        for line in [line for line in prices if prices[line] > 0]:
            for column in self.on_line.get(line, ()):
                if column.state == RISES and self._price(column, prices) > NOTHING:
                    column.state = DONE
                    column.stop = self._named(column, weights, row)
                    self._change(column, column.speed * self.level, -column.speed)
        for column in list(self.ceilings.values()):
            if self._price(column, prices) < -NOTHING:
                self.ceilings.pop(column.number)
                column.state = DONE

    def _named(self, column: Column, weights: Sparse, row: int | None) -> int | None:
        """Which of the rows that stop it is told: the one that became full, or that which weighs most."""
        coefficient = self.rows.coefficient
        if row is not None and coefficient(row, column.pulls) > 0:
            return row
        on = [full for full in weights if weights[full] > NOTHING and coefficient(full, column.pulls) > 0]
        return max(on, key=lambda full: (weights[full], -full), default=None)


def fill(climbers: Sequence[Climber], room: Sequence[int], spreads: Sequence[Spread] = ()) -> list[Stop]:
    """Weighted max-min fair (lexicographic) currents between floor and ceiling; one `Stop` for each climber, in order.

    `room`: mA free on each line, the floors already taken.
    """
    return _Filling(climbers, room, spreads).run()

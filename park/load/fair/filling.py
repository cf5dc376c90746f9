"""Everybody rises together until a row is full; where the balance of phases stops some, others rise ahead to help them.

The level is what everybody has, in mA a unit of weight. A full conductor or power stops for good whoever loads it. A
full `Spread` does not: a load on the phase that carries too little leaves the level and rises as fast as the row needs,
and a reliever that can rise no more hands over to the next. Only when nobody can help, those who load the row are
stopped. In the words of linear programming: the dual simplex method with the level as parameter, one class after the
other; its result is the lexicographic optimum, and does not depend on the order of the loads.

What happens at one level happens at once: the relievers answer when all of it has changed the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from park.load.circuit import LIMITS, WIRES
from park.load.fair.balance import weighings
from park.load.fair.basis import NOTHING, Sparse
from park.load.fair.columns import (
    AT_CEILING,
    DONE,
    HELPS,
    RISES,
    SAME,
    WAITS,
    Climber,
    Column,
    Spread,
    Stop,
    pulls,
)
from park.load.fair.crowd import Crowd, by_kind, climbing, raised
from park.load.fair.helpers import Helpers, Prices
from park.load.fair.plain import AHEAD, rise
from park.load.fair.rows import FULL, RELIEVER, START, STOP, Event, Rows
from park.load.fair.steps import Steps


class _Filling:
    """One run."""

    def __init__(self, crowd: Crowd, room: Sequence[int], spreads: Sequence[Spread]) -> None:
        self.crowd = crowd
        lines = crowd.tight(room) | _weighed(spreads)
        self.rows = Rows(room, spreads, sorted(lines))
        self.helpers = Helpers(crowd, lines)
        self.steps = Steps((), crowd.ceilings)
        self.level = 0.0
        self.rising: int | None = None  # the class that rises
        self.only = False  # there is no other class
        self.watched: dict[int, float] = {}  # level at which a reliever is looked at next
        self.settled: set[int] = set()  # relievers that keep a row full and have their final current
        crowd.weighed(weighings(tuple(dict.fromkeys([(spread.over // LIMITS, spread.adrift) for spread in spreads]))))

    # ------------------------------------------------------------ the run

    def run(self) -> None:
        classes = {column.priority for column in self.crowd.columns}
        self.only = len(classes) == 1
        for priority in sorted(classes, reverse=True):
            self._restart(priority)
            self._rise(priority)
        level, ceilings = self.level, self.crowd.ceilings
        for column in self.crowd.columns:
            if column.left:
                column.reached = column.floor + column.base + column.speed * level
                if column.stop is None and column.reached < ceilings[column.members[-1]] - SAME:
                    column.stop = self._any_full(column)

    def _restart(self, priority: int) -> None:
        """The class before is done: the level starts anew."""
        for reliever in self.rows.basis.inverse:
            column = self.crowd.columns[reliever]
            column.base, column.speed = self._value(column), 0.0
        self.rows.restart(self.level)
        self.watched.clear()
        self.level, self.rising = 0.0, priority

    def _rise(self, priority: int) -> None:
        columns = [column for column in self.crowd.columns if column.priority == priority and column.state != DONE]
        self.steps = steps = Steps(columns, self.crowd.ceilings)
        untouched = self.only
        while step := steps.next():
            level, stops, starts = step
            if stops:
                untouched = False
                self._until(level, STOP)
                self._stop(stops)
            if starts:
                self._until(level, START)
                if untouched and len(starts) == len(columns):
                    self._start_all(starts)
                else:
                    self._start(starts)

    def _until(self, level: float, kind: int) -> None:
        """All that happens before."""
        rows, before = self.rows, (level, kind)
        rows.schedule_dirty(self.level)
        if level > rows.horizon:
            rows.look_further(max(level, self.level * AHEAD), self.level)
        while rows.heap and rows.heap[0] < before:
            self._handle(heappop(rows.heap))
        self.level = level

    def _handle(self, event: Event) -> None:
        level, kind, number = event
        if kind == FULL:
            if not self.rows.comes_true(event, SAME):
                return
            self.level = max(self.level, level)
            self._full(number)
        elif kind == START:
            self.level = max(self.level, level)
            self._start([self.crowd.columns[number]])
        else:
            column = self.crowd.columns[number]
            if column.state != HELPS or level > self.watched.pop(number, math.inf):
                return
            when, way = self._reliever_due(column)
            if when > level + SAME:
                self._watch(column)
                return
            self.level = max(self.level, level)
            self._reliever_at_bound(column, way)
        self._answer()
        self.rows.schedule_dirty(self.level)

    # ------------------------------------------------------------ loads

    def _value(self, column: Column) -> float:
        return column.base + column.speed * self.level

    def _start(self, columns: Iterable[Column]) -> None:
        """These rise from their floor on, or are to be looked at again from there on."""
        closed, full, rise = self.rows.closed, any(self.rows.closed), list[Column]()
        for column in columns:
            if column.state == HELPS:
                self._watch(column)
            if column.state != WAITS:
                continue
            stop = next((line for line in column.way if closed[line]), None) if full else None
            if stop is not None:
                column.state, column.stop, column.base, column.speed = DONE, stop, 0.0, 0.0
                continue
            column.state = RISES
            column.base, column.speed = -float(column.floor), float(column.weight)
            rise.append(column)
        self.rows.start(rise)
        self._answer()
        self.rows.look_further(self.rows.horizon, self.level)

    def _start_all(self, columns: Iterable[Column]) -> None:
        """The same where these are all there are, and nothing happened yet."""
        for column in columns:
            column.state = RISES
            column.base, column.speed = -float(column.floor), float(column.weight)
        self.rows.start_all(self.crowd.floors, self.crowd.weights)
        self.rows.look_further(self.rows.horizon, self.level)

    def _stop(self, columns: Iterable[Column]) -> None:
        """Who is at its ceiling there has it, unless something stopped it before."""
        rows, ceilings = self.rows, self.crowd.ceilings
        for column in columns:
            if column.state == DONE or (column.state == HELPS and not self._may_end(column)):
                continue
            ceiling = ceilings[column.members[-column.left]]
            ended = self.steps.ends(column)
            if column.state == RISES:
                rows.leave(column, ended * (ceiling - column.floor - column.base), ended * column.speed)
            if not column.left:
                self.helpers.ends(column)
                column.state = DONE
        rows.touch()
        self._answer()

    def _may_end(self, reliever: Column) -> bool:
        """At its ceiling it can keep no row full."""
        if reliever.number not in self.settled:
            self.rows.touch()
            self._answer()
            self._reliever_at_bound(reliever, -1)
        return reliever.state != HELPS

    def _answer(self) -> None:
        """The relievers keep full what is to be kept full."""
        short = self.rows.overdrawn()
        if not short:
            return
        rows, columns = self.rows, self.crowd.columns
        answers: dict[int, tuple[float, float]] = {}
        for row, free, rate in short:
            for reliever, entry in rows.basis.columns[row].items():
                if reliever in answers:
                    base, speed = answers[reliever]
                    answers[reliever] = (base + entry * free, speed - entry * rate)
                else:
                    answers[reliever] = (entry * free, -entry * rate)
        for number, (base, speed) in answers.items():
            reliever = columns[number]
            reliever.base += base
            reliever.speed += speed
            rows.take(reliever, base, speed)
            self._watch(reliever)
        rows.settle()

    # ------------------------------------------------------------ relievers

    def _watch(self, reliever: Column) -> None:
        when, number = max(self._reliever_due(reliever)[0], self.level), reliever.number
        if when < self.watched.get(number, math.inf):
            self.watched[number] = when
            heappush(self.rows.heap, (when, RELIEVER, number))

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
        rows, basis = self.rows, self.rows.basis
        weights = {row: -way * entry for row, entry in basis.inverse[reliever.number].items()}
        row = self._other_row(weights)
        if row is not None:
            basis.shrink(reliever.number, row)
            rows.let_go(row)
            self._leaves_basis(reliever, way)
            self._answer()
            rows.schedule(row, self.level)
            return
        other = self._other_reliever(prices := Prices(rows, weights))
        if other is None:
            self._certify(weights, None, prices)
            if way < 0 and reliever.number not in self.settled:
                reliever.stop = self._first_on(reliever, self._causes(weights, None))
            self.settled.add(reliever.number)
            return
        basis.replace_reliever(reliever.number, other.number, basis.answers(rows.on_full(other)))
        self.helpers.joins(other)
        self._leaves_basis(reliever, way)
        self._answer()
        self._watch(other)

    def _leaves_basis(self, reliever: Column, way: int) -> None:
        value, speed = 0.0, 0.0
        if reliever.number in self.settled:
            reliever.state, value = DONE, self._value(reliever)
        elif way > 0:
            reliever.state, value = AT_CEILING, float(reliever.span)
            self.helpers.at_ceiling(reliever)
        elif reliever.priority == self.rising and self.level * reliever.weight >= reliever.floor - SAME:
            reliever.state = RISES
            value, speed = -float(reliever.floor), float(reliever.weight)
        else:
            reliever.state = WAITS
            if reliever.priority == self.rising:
                heappush(self.rows.heap, (reliever.floor / reliever.weight, START, reliever.number))
        self.helpers.leaves(reliever)
        self.rows.take(reliever, value - reliever.base, speed - reliever.speed)
        reliever.base, reliever.speed = value, speed

    # ------------------------------------------------------------ full rows

    def _full(self, row: int) -> None:
        rows, basis = self.rows, self.rows.basis
        if row < rows.count and not self.helpers.can_give_way(row):
            self._close(row)
            return
        coefficients = self._on_relievers(row)
        multipliers = basis.multipliers(coefficients)
        weights = {full: -entry for full, entry in multipliers.items()} | {row: 1.0}
        released = self._other_row(weights, row)
        if released is not None:
            basis.replace_row(released, row, multipliers)
            rows.let_go(released)
            rows.keep(row)
            self._answer()
            rows.schedule(released, self.level)
            return
        prices = Prices(rows, weights)
        reliever = self._other_reliever(prices)
        if reliever is None:
            self._certify(weights, row, prices)
            return
        on_full = rows.on_full(reliever)
        pivot = rows.coefficient(row, pulls(reliever.way)) - sum(
            multipliers.get(full, 0.0) * entry for full, entry in on_full.items()
        )
        basis.grow(row, reliever.number, multipliers, basis.answers(on_full), pivot)
        self.helpers.joins(reliever)
        rows.keep(row)
        self._answer()
        self._watch(reliever)

    def _on_relievers(self, row: int) -> Sparse:
        """What one mA of each reliever takes of the row."""
        rows, columns = self.rows, self.crowd.columns
        helping = self.helpers.helping.get(row, ()) if row < rows.count else rows.basis.inverse
        found = {reliever: rows.coefficient(row, pulls(columns[reliever].way)) for reliever in helping}
        return {reliever: float(coefficient) for reliever, coefficient in found.items() if coefficient}

    def _other_row(self, weights: Sparse, row: int | None = None) -> int | None:
        """A full row that need not be full any more."""
        locked = self.rows.locked
        return next((full for full in weights if weights[full] < -NOTHING and full != row and full not in locked), None)

    def _other_reliever(self, prices: Prices) -> Column | None:
        """A load that can give way at these prices; it helps now."""
        columns = len(self.crowd.columns)
        found = self.helpers.find(prices, self.rows.closed)
        if found is not None and found.number == columns and found.priority == self.rising:
            self.steps.expect(found)  # it has left its column
        return found

    def _close(self, line: int) -> None:
        """The line is full for good, and nobody could give way."""
        self.rows.closed[line] = 1
        rising = self.helpers.rising(line)
        for column in rising:
            column.state, column.stop = DONE, line
        self.rows.finish(rising, self.level)

    def _certify(self, weights: Sparse, row: int | None, prices: Prices) -> None:
        """Nobody can give way: whoever loads these rows is stopped for good, and whoever relieves them stays."""
        rows = self.rows
        rows.locked.update(weights)
        if row is not None and len(weights) == 1 and row < rows.count:
            rows.closed[row] = 1
        dear = [line for line, price in prices.by_line.items() if price > 0]
        rising = [*dict.fromkeys(self.helpers.rising_on(dear, prices))]
        causes = self._causes(weights, row)
        for column in rising:
            column.state, column.stop = DONE, self._first_on(column, causes)
        rows.finish(rising, self.level)
        self.helpers.stay(prices)

    def _causes(self, weights: Sparse, row: int | None) -> Sequence[int]:
        """Which of the rows that stop a load is told: the one that became full, or that which weighs most."""
        heavy = [full for full in weights if weights[full] > NOTHING and full != row]
        heavy.sort(key=lambda full: (-weights[full], full))
        return heavy if row is None else [row, *heavy]

    def _first_on(self, column: Column, rows: Iterable[int]) -> int | None:
        """The first of these rows that one more mA of such a load would overdraw."""
        lines, way, tips = self.rows.count, column.way, column.weighing.tips
        return next((row for row in rows if (row in way if row < lines else row - lines in tips)), None)

    def _any_full(self, column: Column) -> int | None:
        """A row that stops it, where none was told: what is closed, or full."""
        rows = self.rows
        closed = next((line for line in column.way if rows.closed[line]), None)
        return self._first_on(column, sorted({*rows.locked, *rows.basis.rows})) if closed is None else closed


def _weighed(spreads: Sequence[Spread]) -> set[int]:
    """Conductors of circuits with a limit of imbalance, and what stands for one with the loads of unknown phases."""
    circuits = {spread.over // LIMITS for spread in spreads}
    conductors = {circuit * LIMITS + phase for circuit in circuits for phase in range(WIRES)}
    return conductors | {spread.adrift for spread in spreads if spread.adrift is not None}


def fill(crowd: Crowd, room: Sequence[int], spreads: Sequence[Spread]) -> None:
    """The same as `share_out`, always in the way that spreads need."""
    _Filling(crowd, room, spreads).run()


def share_out(crowd: Crowd, room: Sequence[int], spreads: Sequence[Spread] = ()) -> None:
    """Weighted max-min fair (lexicographic) currents between floor and ceiling, told by the crowd.

    `room`: mA free on each line, the floors already taken.
    """
    if spreads:
        fill(crowd, room, spreads)
    else:
        rise(crowd, room)


def raise_together(climbers: Sequence[Climber], room: Sequence[int], spreads: Sequence[Spread] = ()) -> list[Stop]:
    """The same for these; one `Stop` for each climber, in order."""
    order = by_kind(climbers)
    crowd = climbing(climbers, order, room)
    share_out(crowd, room, spreads)
    return raised(climbers, order, crowd)


def whole(current_ma: float) -> int:
    """Rounded down to 1 mA; what a whole number lacks by the errors of floating point is no loss."""
    return int(current_ma + 10 * SAME)

"""From a car that comes to one board to the lower setpoint of the car beside it, which is on another board.

Real gRPC with mutual TLS between processes: the server in one, two client boards in this one, the others in one more.
Half of the cars come to the two measured boards, half to the others. The way: charge point →
link → server's link → coordinator → the other board's link → charge point → `Signal` at its driver's address. Before
that the arrival itself crosses twice, for the authorization.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import exchange
from benchmarks.awake import Stolen, ahead_of_others, processors_awake
from benchmarks.boards import MAX_AMPS, MeasuredBoard, Place, park_of_boards, places, wait_for
from benchmarks.hardware import After
from benchmarks.spread import Spread
from benchmarks.table import Table, ratio
from nodes import interpreter
from nodes.field import PoolWorld
from nodes.field.timers import Timers
from park.model.evse import PilotOutput, Signal

EVENT_SECONDS = 0.4  # and as often at the others, so five cars a second: a thousand points in a rush hour of minutes
VISIT_SECONDS = 0.3
LIVE_SECONDS = 0.02  # from one resident to the next
AGAIN_SECONDS = 12.0  # until the neighbour has its current back: reaction time, a cycle, five seconds of the pilot
ANSWER_SECONDS = 1.0
PATIENCE_SECONDS = 120.0  # a thousand cars come at once


@dataclass(frozen=True, slots=True)
class Row:
    """`seconds` to the setpoint; `lost`: events nothing followed within a second."""

    points: int
    boards: int
    event: str
    seconds: Spread
    lost: int = 0


@dataclass
class Rows:
    """The charge points in rows of two: one who lives here, one who visits. `told`: setpoints, (perf_counter, mA)."""

    boards: dict[int, MeasuredBoard]
    residents: list[Place]
    visitors: list[Place]
    told: dict[str, list[tuple[float, int]]]
    came: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def note(self, signal: Signal) -> None:
        if signal.output is PilotOutput.PWM:
            self.told[signal.charge_point].append((time.perf_counter(), signal.amps_ma))

    @classmethod
    def of(cls, boards: dict[int, MeasuredBoard], points: int, of_boards: int) -> Rows:
        """The rows of these boards, which tell what they signal from now on."""
        where = [place for place in places(points, of_boards) if place.board in boards]
        rows = cls(boards, where[::2], where[1::2], {place.name: [] for place in where})
        for board in boards.values():
            board.hardware.signalled = rows.note
        return rows

    async def move_in(self, after: After) -> None:
        """All residents charge, and nobody else."""
        for number in range(len(self.residents)):
            after(number * LIVE_SECONDS, lambda number=number: self.live(number))
        await wait_for("all residents to charge", self.all_live, PATIENCE_SECONDS)

    def live(self, number: int) -> None:
        place = self.residents[number]
        self.boards[place.board].hardware.plug(place.name)

    def come(self, number: int) -> None:
        place = self.visitors[number]
        self.came.append((time.perf_counter(), number))
        self.boards[place.board].hardware.plug(place.name)

    def visit(self, number: int, after: After, at: float) -> None:
        """A car comes in `at` seconds, and does not stay."""
        after(at, lambda: self.come(number))
        after(at + VISIT_SECONDS, lambda: self.leave(number))

    def leave(self, number: int) -> None:
        place = self.visitors[number]
        self.boards[place.board].hardware.unplug(place.name)

    def all_live(self) -> bool:
        newest = (self.told[place.name][-1:] for place in self.residents)
        return all(signals and signals[0][1] == MAX_AMPS * 1000 for signals in newest)

    def lowered(self, number: int, at: float) -> float | None:
        """When the resident of this row was told less than before, within a second."""
        signals = self.told[self.residents[number].name]
        first = bisect_left(signals, (at, 0))
        before = signals[first - 1][1] if first else 0
        found = (when for when, amps_ma in signals[first:] if amps_ma < before and when <= at + ANSWER_SECONDS)
        return next(found, None)

    def demanded(self, number: int, at: float, until: float) -> float | None:
        """When the visitor's last demand before the answer went onto the wire."""
        place = self.visitors[number]
        demands = self.boards[place.board].demands
        last = bisect_left(demands, (until, ""))
        found = (when for when, name in reversed(demands[:last]) if name == place.name and when >= at)
        return next(found, None)


def run(sizes: tuple[tuple[int, int], ...] = ((250, 10), (1000, 20)), events: int = 440) -> list[Row]:
    """`sizes`: charge points and boards. First a plain gRPC round trip, on processors that sleep and that do not."""
    asleep = Row(0, 0, "plain gRPC round trip, idle processors sleep", exchange.round_trips(10 * events))
    with processors_awake():
        rows = [Row(0, 0, "plain gRPC with mutual TLS, round trip", exchange.round_trips(10 * events)), asleep]
        for points, boards in sizes:
            rows += asyncio.run(measure(points, boards, events))
    return rows


def report(*, quick: bool) -> Table:
    stolen = Stolen()
    with ahead_of_others() as ahead:
        rows = run(((8, 2),), 4) if quick else run()
    priority = "at real-time priority" if ahead else "NOT at real-time priority, which only root may give them"
    reference = rows[0].seconds.p50
    return Table(
        "Event on one board to setpoint on another",
        ("charge points on boards: event", "p50 ms", "p99 ms", "max ms", "p50 / round trip", "events", "lost"),
        tuple(_cells(row, reference) for row in rows),
        f"Lost: events that no setpoint followed within a second. Server and measured boards are {priority}. Processors"
        f" are kept awake, but where it says so; the host took {stolen.percent():.1f} % of them away meanwhile.",
    )


def _cells(row: Row, reference: float) -> tuple[str, ...]:
    name = f"{row.points} on {row.boards}: {row.event}" if row.points else row.event
    milliseconds = (f"{1000 * value:.2f}" for value in (row.seconds.p50, row.seconds.p99, row.seconds.most))
    return name, *milliseconds, ratio(row.seconds.p50, reference, 1), str(row.seconds.count), str(row.lost)


async def measure(points: int, boards: int, events: int) -> list[Row]:
    """One park, from its start to its end."""
    world, edges = PoolWorld(), Timers()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with park_of_boards(Path(folder), world, edges.after, points, boards) as made:
                rows = Rows.of(dict(enumerate(made)), points, boards)
                return await _measured(rows, edges.after, points, boards, events)
    finally:
        edges.close()
        world.close()


async def _measured(rows: Rows, after: After, points: int, boards: int, events: int) -> list[Row]:
    await rows.move_in(after)
    interpreter.settle()
    again = AGAIN_SECONDS / len(rows.visitors) if events > len(rows.visitors) else 0.0
    between = max(EVENT_SECONDS, again)
    for count in range(events):
        rows.visit(count % len(rows.visitors), after, count * between)
    await wait_for("all visitors", lambda: len(rows.came) == events, events * between + PATIENCE_SECONDS)
    await asyncio.sleep(ANSWER_SECONDS)
    return _rows(rows, points, boards, max(1, events // 10))


def _rows(rows: Rows, points: int, boards: int, warm_up: int) -> list[Row]:
    whole: list[float] = []
    from_wire: list[float] = []
    counted = rows.came[warm_up:]
    for at, number in counted:
        answer = rows.lowered(number, at)
        demanded = None if answer is None else rows.demanded(number, at, answer)
        if answer is not None and demanded is not None:
            whole.append(answer - at)
            from_wire.append(answer - demanded)
    lost = len(counted) - len(whole)
    return [
        Row(points, boards, "car arrives → setpoint on another board", Spread.of(whole), lost),
        Row(points, boards, "its demand leaves → setpoint on another board", Spread.of(from_wire), lost),
    ]

"""From a change in the world to the setpoints that follow: p50, p99 and worst, on one node under its usual load.

The whole inner way: edge thread → charge point → authorizer, journal, coordinator → charge point → `Signal` at the
driver's address. Left out are what the wires take and the disk. Meters are polled at 1 Hz meanwhile.
"""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.garage import MAX_AMPS, OTHERS_AMPS, Garage
from benchmarks.spread import Spread
from benchmarks.table import Table, ratio
from nodes.field import PoolWorld, ThreadWorld
from nodes.field.timers import Timers
from park.model.electric import MINIMUM_CURRENT_MA
from park.model.evse import PilotOutput, Signal

EVENT_SECONDS = 0.04  # from event to event: a park where 25 things happen in a second is beyond any real one
VISIT_SECONDS = 0.25
RETURN_SECONDS = 5.6  # a pilot is raised at most every 5 s, so a charge point shows one arrival in this time
REFERENCE_ROUNDS = 2_000
STEADY_SECONDS = 4.0
PATIENCE_SECONDS = 30.0
STEP_MA = 100  # of the electronics: the least every car of a row must give up at each step of other load
METER_STEP_MA = 250  # other load counts in such steps
WORLDS: dict[str, Callable[[], ThreadWorld | PoolWorld]] = {"threads": ThreadWorld, "pool": PoolWorld}
NODE_WORLD = "threads"  # what the node uses: docs/benchmarks.md says why


@dataclass(frozen=True, slots=True)
class Row:
    """`seconds` from telling the event to the `Signal`; `lost`: events nothing followed; `cpu`: % of a core at rest."""

    world: str
    points: int
    event: str
    seconds: Spread
    lost: int = 0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `at` (perf_counter); the setpoints of these charge points follow."""

    at: float
    waited_for: frozenset[str]


def run(sizes: tuple[int, ...] = (48, 250), events: int = 200) -> list[Row]:
    """First the plain queue, then each size in the world of the node, the largest in the other world too."""
    rows = [Row("plain queue", 0, "round trip", Spread.of(plain_queue()))]
    for points in sizes:
        for name in WORLDS if points == max(sizes) else (NODE_WORLD,):
            rows += measure(name, WORLDS[name](), points, events)
    return rows


def report(*, quick: bool) -> Table:
    rows = run((12,), 10) if quick else run()
    reference = rows[0].seconds.p50
    return Table(
        "Event to setpoint",
        ("world, charge points, event", "p50 ms", "p99 ms", "max ms", "p50 / plain queue", "events", "lost", "CPU %"),
        tuple(_cells(row, reference) for row in rows),
        "Lost: events that no setpoint followed within a second. CPU: of one core, all charging, no events.",
    )


def plain_queue(rounds: int = REFERENCE_ROUNDS) -> list[float]:
    """Seconds of each round trip between two threads over `queue.Queue`, a pause between them as between events."""
    there: queue.Queue[int] = queue.Queue()
    back: queue.Queue[int] = queue.Queue()

    def echo() -> None:
        for _ in range(rounds):
            back.put(there.get())

    thread = threading.Thread(target=echo, daemon=True)
    thread.start()
    taken: list[float] = []
    for number in range(rounds):
        began = time.perf_counter()
        there.put(number)
        back.get()
        taken.append(time.perf_counter() - began)
    thread.join()
    return taken


def measure(name: str, world: ThreadWorld | PoolWorld, points: int, events: int) -> list[Row]:
    """One park in one world, from its start to its end."""
    park = MeasuredPark(world, points)
    try:
        arrivals = park.arrivals(events)
        steps = park.load_steps(events)
        cpu = park.idle_cpu(STEADY_SECONDS * min(1.0, events / 200))
        return [
            Row(name, points, "car arrives → its setpoint", *park.first_after(arrivals), cpu),
            Row(name, points, "other load rises → first setpoint", *park.first_after(steps), cpu),
            Row(name, points, "other load rises → last of its row", *park.last_after(steps), cpu),
        ]
    finally:
        park.close()


class MeasuredPark:
    """A garage with the thread of its edges, and every setpoint told since it runs."""

    def __init__(self, world: ThreadWorld | PoolWorld, points: int) -> None:
        self._world = world
        self._edges = Timers()
        self.garage = Garage(world, points, self._edges.after)
        self._told: list[tuple[float, Signal]] = []
        self.garage.hardware.signalled = self._note
        self.garage.start()
        _wait_for("the park to settle", self.garage.settled)

    def close(self) -> None:
        self.garage.stop()
        self._edges.close()
        self._world.close()

    def fill(self) -> None:
        """All cars come at once; returns when all charge."""
        for name in self.garage.names:
            self._edges.after(0.0, lambda name=name: self.garage.hardware.plug(name))
        _wait_for("all cars to charge", self._all_charge)

    def arrivals(self, events: int) -> list[Event]:
        """Cars come one by one, round after round; those of the last round stay. The first tenth is not counted."""
        names, warm_up = self.garage.names, max(1, events // 10)
        rounds = -(-(events + warm_up) // len(names))
        between = max(EVENT_SECONDS, RETURN_SECONDS / len(names)) if rounds > 1 else EVENT_SECONDS
        happened: list[Event] = []

        def plug(name: str) -> None:
            happened.append(Event(time.perf_counter(), frozenset((name,))))
            self.garage.hardware.plug(name)

        for number in range(rounds * len(names)):
            name, at = names[number % len(names)], number * between
            self._edges.after(at, lambda name=name: plug(name))
            if number < (rounds - 1) * len(names):
                self._edges.after(at + VISIT_SECONDS, lambda name=name: self.garage.hardware.unplug(name))
        _wait_for("all cars to charge", lambda: len(happened) == rounds * len(names) and self._all_charge(), 100.0)
        return happened[warm_up:]

    def load_steps(self, events: int) -> list[Event]:
        """Something else on a row takes more, row after row, so that every car there has to give way."""
        warm_up, happened = max(1, events // 10), list[Event]()
        steps = _steps(self.garage, events + warm_up)

        def load(row: int, foreign_ma: int) -> None:
            happened.append(Event(time.perf_counter(), frozenset(self.garage.rows[row])))
            self.garage.load_row(row, foreign_ma)

        planned = 0
        for planned, (row, foreign_ma) in enumerate(steps, 1):
            self._edges.after(planned * EVENT_SECONDS, lambda row=row, foreign_ma=foreign_ma: load(row, foreign_ma))
        _wait_for("all steps of load", lambda: len(happened) == planned, 100.0)
        time.sleep(4 * EVENT_SECONDS)
        return happened[warm_up:]

    def idle_cpu(self, seconds: float) -> float:
        """Percent of a core while all charge and nothing happens but readings."""
        began, used = time.perf_counter(), time.process_time()
        time.sleep(seconds)
        return 100 * (time.process_time() - used) / (time.perf_counter() - began)

    def first_after(self, events: list[Event]) -> tuple[Spread, int]:
        """Seconds until the first of the setpoints waited for; events without one."""
        answers = [self._answers(event) for event in events]
        return Spread.of([found[0] for found in answers if found]), sum(not found for found in answers)

    def last_after(self, events: list[Event]) -> tuple[Spread, int]:
        """Seconds until the last of the setpoints waited for; events not all of them followed."""
        answers = [(self._answers(event), len(event.waited_for)) for event in events]
        whole = [found[-1] for found, wanted in answers if len(found) == wanted]
        return Spread.of(whole), len(events) - len(whole)

    def _answers(self, event: Event) -> list[float]:
        """When each charge point got its first setpoint since, ascending, within a second."""
        found: dict[str, float] = {}
        for at, signal in self._told:
            if event.at <= at <= event.at + 1.0 and signal.charge_point in event.waited_for:
                found.setdefault(signal.charge_point, at - event.at)
        return sorted(found.values())

    def _note(self, signal: Signal) -> None:
        if signal.output is PilotOutput.PWM:
            self._told.append((time.perf_counter(), signal))

    def _all_charge(self) -> bool:
        return self.garage.charging() == len(self.garage.names)


def _steps(garage: Garage, count: int) -> Iterator[tuple[int, int]]:
    """(row, load in mA), row after row, as far as the cars can give way; full rows only, they are the longest way."""
    size = max(len(row) for row in garage.rows)
    rows = [number for number, row in enumerate(garage.rows) if len(row) == size]
    step = -(-size * STEP_MA // METER_STEP_MA) * METER_STEP_MA
    possible = size * (MAX_AMPS * 1000 - MINIMUM_CURRENT_MA) // step - 1
    for number in range(min(count, possible * len(rows))):
        yield rows[number % len(rows)], OTHERS_AMPS * 1000 + step * (number // len(rows) + 1)


def _wait_for(what: str, true: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
    gc.collect()
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience} s for {what}")
        time.sleep(0.2)


def _cells(row: Row, reference: float) -> tuple[str, ...]:
    name = f"{row.world}, {row.points}: {row.event}" if row.points else f"{row.world}, {row.event}"
    milliseconds = (f"{1000 * value:.2f}" for value in (row.seconds.p50, row.seconds.p99, row.seconds.most))
    times, cpu = ratio(row.seconds.p50, reference, 0), f"{row.cpu:.0f}" if row.points else ""
    return name, *milliseconds, times, str(row.seconds.count), str(row.lost), cpu

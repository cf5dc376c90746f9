"""What a large park costs its coordinator: a plan from nothing, a plan for one car that comes, a tick, the views.

Processor time of the step alone, without actors and boards. Rows of two charge points below one connection that binds
nobody, or on four levels of which the lower two bind; three of four are taken, everybody's own meter was read.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from benchmarks.table import Table, ratio
from park.load import coordinator
from park.load.circuit import Circuit, Placement
from park.load.coordinator import CoordinatorEvent, Recompute
from park.load.parts import Parts
from park.load.planning import plan
from park.load.reporting import reports
from park.load.state import CoordinatorSettings
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import MINIMUM_CURRENT_MA, Wiring, on_phases
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.signals import Start, Tick
from park.model.time import Now

SIZES = (250, 1_000)
TIMES = 20  # of each, the median counts
BOARDS = 20
ROW = 2
ROW_MA, WIDE_MA, TIGHT_MA = 25_000, 100_000, 9_000  # of a row; of a circuit above for each of its charge points
BRANCHES = (8, 40)  # circuits on the second and third of four levels
TAKEN = 0.75
MAXIMA_MA = (10_000, 13_000, 16_000, 20_000, 25_000, 32_000)
WIRINGS = (Wiring.RST, Wiring.STR, Wiring.TRS)
SETTLES_SECONDS = 20
WALL = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """Processor seconds, medians. `anew`: a plan when nothing is remembered, `again`: when nothing has changed.

    `arrival`: from a car's demand to all grants of that plan. `tick`: when nothing is due. `views`: all of them.
    """

    what: str
    points: int
    anew: float
    again: float
    arrival: float
    tick: float
    views: float


class Garage:
    """A coordinator, and devices that do at once what they are told."""

    def __init__(self, points: int, levels: int) -> None:
        rows = points // ROW
        above = _circuits(points, levels)
        ends = [circuit.name for circuit in above if circuit.parent is None or circuit.name.startswith("c")]
        ends = ends[1:] or ends  # the lowest of them
        self.circuits = (
            *above,
            *(Circuit(f"row{row}", _each(ROW_MA), ends[row % len(ends)]) for row in range(rows)),
        )
        self.placements = tuple(
            Placement(f"n{n % BOARDS}/cp{n}", f"n{n % BOARDS}", f"row{n // ROW}", WIRINGS[n % 3], meter=f"m{n}")
            for n in range(rows * ROW)
        )
        self.mono = 100.0
        settings = CoordinatorSettings(self.circuits, self.placements, server_id="s")
        self.state = coordinator.initial(settings, self.now())
        self._signals = {each.charge_point: (0, MINIMUM_CURRENT_MA, 0, 0) for each in self.placements}
        self._mail: deque[Grant | Recompute] = deque()
        self.tell(Start())
        self._beat()
        for name in self._signals:
            self._report(name)
        self.settle()

    def now(self) -> Now:
        return Now(self.mono, WALL)

    def tell(self, event: CoordinatorEvent) -> None:
        _, effects = coordinator.step(self.state, event, self.now())
        for effect in effects:
            if isinstance(effect, ApplyGrant):
                self._mail.append(effect.grant)
            elif isinstance(effect, Recompute):
                self._mail.append(effect)

    def settle(self) -> None:
        """Until there is nothing to do any more."""
        while self._mail:
            letter = self._mail.popleft()
            if isinstance(letter, Grant):
                self._signals[letter.charge_point] = (letter.amps_ma, letter.lapse_ma, letter.epoch, letter.sequence)
                self._report(letter.charge_point)
            else:
                self.tell(letter)

    def comes(self, name: str, phases: int, maximum_ma: int) -> None:
        self.mono += 0.01
        wish = DemandChanged(
            charge_point=name,
            wants=True,
            phases_used=phases,
            minimum_ma=MINIMUM_CURRENT_MA,
            maximum_ma=maximum_ma,
            drawing=True,
            since=self.mono,
        )
        self.tell(wish)

    def replan(self) -> None:
        """What the demand has made necessary."""
        while self._mail and isinstance(self._mail[0], Recompute):
            self.tell(self._mail.popleft())  # type: ignore[arg-type]

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.mono += 1.0
            self._beat()
            for point in self.state.points:
                taken = self._signals[point.placement.charge_point][0] if point.wants else 0
                sample = Sample(on_phases(min(taken, point.maximum_ma()), point.phases), 0, 0)
                self.tell(ReadingTaken(point.placement.meter or "", Quality.FRESH, sample, None, self.mono, WALL, 10))
            self.tell(Tick())
            self.settle()

    def forget(self) -> None:
        """Nothing of the plans before is known any more."""
        self.state.parts, self.state.parts_unused, self.state.chains = Parts(), Parts(), {}
        for point in self.state.points:
            point.asked = None

    def _beat(self) -> None:
        for name in self.state.boards:
            self.tell(BoardHeartbeat(Stamp(name, "boot", self.mono), ()))

    def _report(self, name: str) -> None:
        amps, lapse, epoch, sequence = self._signals[name]
        told = CurrentSignalled(name, amps, lapse, epoch, sequence, contactor_open=False, mono=self.mono)
        self.tell(told)


def _circuits(points: int, levels: int) -> list[Circuit]:
    """Above the rows, the grid connection first."""
    if levels == len(("grid", "row")):
        return [Circuit("grid", _each(WIDE_MA * points))]
    upper, lower = (min(branches, points // ROW) for branches in BRANCHES)
    return [
        Circuit("grid", _each(TIGHT_MA * points)),
        *(Circuit(f"b{number}", _each(TIGHT_MA * points // upper), "grid") for number in range(upper)),
        *(Circuit(f"c{number}", _each(TIGHT_MA * points // lower), f"b{number % upper}") for number in range(lower)),
    ]


def _each(current_ma: int) -> tuple[int, int, int]:
    return (current_ma, current_ma, current_ma)


def run(sizes: tuple[int, ...], times: int) -> list[Row]:
    return [
        _row(what, points, levels, times)
        for points in sizes
        for what, levels in (("rows of two", 2), ("4 tight levels", 4))
    ]


def report(*, quick: bool) -> Table:
    rows = run((24,), 2) if quick else run(SIZES, TIMES)
    return Table(
        "The coordinator of a large park",
        ("charge points", "plan anew ms", "again ms", "/ anew", "car comes ms", "/ anew", "tick ms", "views ms"),
        tuple(
            (
                f"{row.points} in {row.what}",
                f"{1000 * row.anew:.2f}",
                f"{1000 * row.again:.2f}",
                ratio(row.again, row.anew),
                f"{1000 * row.arrival:.2f}",
                ratio(row.arrival, row.anew),
                f"{1000 * row.tick:.2f}",
                f"{1000 * row.views:.2f}",
            )
            for row in rows
        ),
        "Processor time, medians. Car comes: its demand taken in, plan, reductions and the raise.",
    )


def _row(what: str, points: int, levels: int, times: int) -> Row:
    garage, draws = Garage(points, levels), random.Random(1)
    names = [each.charge_point for each in garage.placements]
    draws.shuffle(names)
    taken = int(TAKEN * len(names))
    for name in names[:taken]:
        garage.comes(name, draws.choice((1, 1, 2, 3, 3)), draws.choice(MAXIMA_MA))
    garage.settle()
    garage.run(SETTLES_SECONDS)
    state = garage.state

    def anew() -> None:
        garage.forget()
        plan(state, garage.mono)

    found = [_seconds(anew, times), _seconds(lambda: plan(state, garage.mono), times)]
    found.append(median([_arrival(garage, name) for name in names[taken : taken + times]]))
    found.append(_seconds(lambda: garage.tell(Tick()), times))
    found.append(_seconds(lambda: list(reports(state, garage.mono)), times))
    return Row(what, points, *found)


def _arrival(garage: Garage, name: str) -> float:
    began = time.process_time()
    garage.comes(name, 3, MAXIMA_MA[-1])
    garage.replan()
    seconds = time.process_time() - began
    garage.settle()
    return seconds


def _seconds(measured: Callable[[], object], times: int) -> float:
    found: list[float] = []
    for _ in range(times):
        began = time.process_time()
        measured()
        found.append(time.process_time() - began)
    return median(found)

"""What a scrape of a large park costs: milliseconds and bytes, beside the library's own writer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest

from benchmarks.garage import Garage
from benchmarks.table import Table, ratio
from nodes.simulation.world import SimulatedWorld

POINTS = 250
REPETITIONS = 15
FILL_SECONDS = 10.0  # of virtual time: all have settled, plugged in and charge


@dataclass(frozen=True, slots=True)
class Row:
    """Median seconds of writing a page, and its length."""

    what: str
    seconds: float
    length: int


def run(points: int = POINTS, repetitions: int = REPETITIONS) -> list[Row]:
    """A park in simulation, all charging; then its page, by the library and by the collector's own writer."""
    world = SimulatedWorld(seed=1)
    garage = Garage(world, points, world.after)
    garage.start()
    world.run_for(FILL_SECONDS)
    for name in garage.names:
        garage.hardware.plug(name)
    world.run_for(FILL_SECONDS)
    registry = CollectorRegistry()
    registry.register(garage.collector)
    rows = [
        _row("prometheus_client, generate_latest", lambda: generate_latest(registry).decode(), repetitions),
        _row("collector's own writer", garage.collector.text, repetitions),
    ]
    garage.stop()
    return rows


def report(*, quick: bool) -> Table:
    rows = run(12, 3) if quick else run()
    reference = rows[0].seconds
    cells = ((row.what, f"{1000 * row.seconds:.1f}", ratio(row.seconds, reference), f"{row.length:,}") for row in rows)
    points = 12 if quick else POINTS
    return Table(f"Metrics page, {points} charge points", ("writer", "ms", "÷ library", "bytes"), tuple(cells))


def _row(what: str, write: Callable[[], str], repetitions: int) -> Row:
    length, taken = len(write().encode()), list[float]()
    for _ in range(repetitions):
        began = time.perf_counter()
        write()
        taken.append(time.perf_counter() - began)
    return Row(what, statistics.median(taken), length)

"""One allocation beside acnportal's RoundRobin on the same cars and conductors: how fast, and how much is delivered.

acnportal is a simulator: it looks at every conductor before every step of every car, and has neither trees nor classes,
nor balance of phases. So it is given the cars that we serve, without balance and watts, and steps of 1 A. It is not one
of our dependencies: `make bench-others` installs it in a folder of its own, and it is asked in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast

from benchmarks.crowds import Crowd, Kind, crowd
from benchmarks.sharing import delivered, processor_seconds
from benchmarks.table import Table
from nodes.interpreter import settle
from park.load.admission import Request, Share
from park.load.allocate import allocate

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / "build/others/bin/python"
ASKED = ROOT / "benchmarks/others/round_robin.py"
STEP_A = 1.0
RUNS = 3
PLAIN = Kind(balanced=False, watts=False)
SIZES: tuple[tuple[int, int, int], ...] = ((12, 20, RUNS), (100, 10, RUNS), (1_000, 1, 1))  # points, seeds, runs


class Row(NamedTuple):
    """Seconds of a processor, and what RoundRobin delivers of what we do."""

    ours: float
    theirs: float
    delivered: float


def report(*, quick: bool) -> Table:
    settle()
    sizes = ((12, 2, 1),) if quick else SIZES
    return Table(
        "Fair shares beside RoundRobin of acnportal",
        ("charge points", "ms", "RoundRobin ms", "times as long", "it delivers, of ours", "seeds"),
        tuple(_cells(points, seeds, runs) for points, seeds, runs in sizes),
        "Medians over the seeds, in seconds of a processor. Ours: admission, fair shares and rounding, anew.",
    )


def run(points: int, seeds: int, runs: int, python: Path = PYTHON) -> list[Row]:
    """`python`: the interpreter that has acnportal. SystemExit: there is none."""
    if not python.exists():
        raise SystemExit(f"{python} is not there: say `make bench-others`, which installs acnportal for it")
    return [_row(crowd(seed, points, PLAIN), runs, python) for seed in range(seeds)]


def _cells(points: int, seeds: int, runs: int) -> tuple[str, ...]:
    rows = run(points, seeds, runs)
    return (
        f"{points:,}".replace(",", " "),
        f"{1000 * median(row.ours for row in rows):.2f}",
        f"{1000 * median(row.theirs for row in rows):,.0f}".replace(",", " "),
        f"{median(row.theirs / row.ours for row in rows):,.0f}".replace(",", " "),
        f"{median(row.delivered for row in rows):.3f}",
        str(seeds),
    )


def _row(park: Crowd, runs: int, python: Path) -> Row:
    ours = min(processor_seconds(lambda: allocate(*park)) for _ in range(RUNS))
    shares = allocate(*park)
    served = [request for request in park.requests if shares[request.charge_point].amps_ma]
    seconds, currents = _robin(served, park.room, runs, python)
    theirs = {request.charge_point: Share(current, None) for request, current in zip(served, currents, strict=True)}
    return Row(ours, seconds, delivered(served, theirs) / delivered(served, shares))


def _robin(served: Sequence[Request], room: Sequence[int], runs: int, python: Path) -> tuple[float, list[int]]:
    """Seconds of a processor, and mA of each."""
    asked = {
        "cars": [
            {"min": each.minimum_ma / 1000, "max": each.maximum_ma / 1000, "lines": list(each.lines)} for each in served
        ],
        "room": [free / 1000 for free in room],
        "step": STEP_A,
        "runs": runs,
    }
    done = subprocess.run([python, ASKED], input=json.dumps(asked), capture_output=True, text=True, check=True)
    answer = cast("dict[str, object]", json.loads(done.stdout))
    amps = cast("list[float]", answer["amps"])
    return cast("float", answer["seconds"]), [round(1000 * each) for each in amps]

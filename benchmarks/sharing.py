"""One whole allocation beside one linear program over the same cars: how fast, and how much is delivered.

Admission, fair shares and rounding; the program (HiGHS) only finds the most that can be delivered, without fairness.
Cars, stations and limits are those of `benchmarks.crowds`. Both are timed in turn, the best of three runs each.

The program is given its matrix ready-made, so we are given how the cars are alike: *again* is what a plan costs when
the room on every line has changed, as it does with every reading of a meter, and the cars are those of the plan before.
*Anew*: nothing is known of them.

Every park is shared out in a process of its own, as a node has no other: in one process for all, what the parks before
have left scattered the objects of a large one over the memory, and it took half as long again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median

from benchmarks.crowds import Crowd, Kind, crowd
from benchmarks.linear import Program
from benchmarks.table import Table
from nodes.interpreter import settle
from park.load.admission import Request, Share
from park.load.allocate import Allocation, allocate
from park.load.circuit import LIMITS, is_power

RUNS = 3
CHANGE_MA = 10  # of the room, from run to run
FEW = Kind(balanced=False, watts=False)
SIZES: tuple[tuple[str, int, int, Kind], ...] = (
    ("64 on 4 levels", 64, 40, Kind(levels=4, stations_too=True)),
    ("100", 100, 40, FEW),
    ("100, balance and watts", 100, 40, Kind()),
    ("100, the same, wiring as it comes", 100, 40, Kind(rotated=False)),
    ("1 000", 1_000, 40, FEW),
    ("1 000, balance and watts", 1_000, 40, Kind()),
    ("1 000, the same, wiring as it comes", 1_000, 40, Kind(rotated=False)),
    ("10 000", 10_000, 10, FEW),
    ("10 000, balance and watts", 10_000, 10, Kind()),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds of one seed. `best`: delivered of what the linear program delivers; `equal`: by an equal split."""

    seconds: float
    anew: float
    program: float
    best: float
    equal: float


def run(points: int, seeds: int, kind: Kind) -> list[Row]:
    with get_context("fork").Pool(1, maxtasksperchild=1) as processes:
        return processes.starmap(_measured, [(seed, points, kind) for seed in range(seeds)], chunksize=1)


def _measured(seed: int, points: int, kind: Kind) -> Row:
    return _row(crowd(seed, points, kind))


def report(*, quick: bool) -> Table:
    sizes = (("24", 24, 2, Kind()),) if quick else SIZES
    settle()  # as a node does when it has been built
    rows = {name: run(points, seeds, kind) for name, points, seeds, kind in sizes}
    return Table(
        "Fair shares beside a linear program",
        (
            "charge points",
            "again ms",
            "worst ms",
            "/ program",
            "worst /",
            "anew ms",
            "/ program",
            "worst /",
            "of the most",
            "least",
            "equal split",
            "seeds",
        ),
        tuple(_cells(name, each) for name, each in rows.items()),
        "ms, / program: medians over the seeds. Of the most: delivered current in that of the program; equal split: "
        f"the same cars with equal parts of every limit.{growth(rows)}",
    )


def growth(rows: Mapping[str, Sequence[Row]]) -> str:
    """How many times as long ten times the charge points take, in a sentence; nothing where a size was left out."""
    found: list[str] = []
    for name, many in rows.items():
        few = rows.get(less := name.replace("10 000", "1 000"), many)
        if few is not many:
            again = median(row.seconds for row in many) / median(row.seconds for row in few)
            anew = median(row.anew for row in many) / median(row.anew for row in few)
            found.append(f"{name}: {again:.1f} times as long as {less}, anew {anew:.1f}")
    return f" {'; '.join(found)}." if found else ""


def _cells(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    ratios = [row.seconds / row.program for row in rows]
    anew = [row.anew / row.program for row in rows]
    return (
        name,
        f"{1000 * median(row.seconds for row in rows):.2f}",
        f"{1000 * max(row.seconds for row in rows):.2f}",
        f"{median(ratios):.2f}",
        f"{max(ratios):.2f}",
        f"{1000 * median(row.anew for row in rows):.2f}",
        f"{median(anew):.2f}",
        f"{max(anew):.2f}",
        f"{median(row.best for row in rows):.3f}",
        f"{min(row.best for row in rows):.3f}",
        f"{median(row.equal for row in rows):.3f}",
        str(len(rows)),
    )


def _row(park: Crowd) -> Row:
    shares = allocate(*park)
    served = [request for request in park.requests if shares[request.charge_point].amps_ma]
    program = Program(served, park.room, park.balances)
    again: list[float] = []
    anew: list[float] = []
    theirs: list[float] = []
    allocation = Allocation()
    allocation.allocate(*park)
    for number in range(RUNS):
        room = [free - number * CHANGE_MA for free in park.room]
        again.append(processor_seconds(lambda room=room: allocation.allocate(park.requests, room, park.balances)))
        anew.append(processor_seconds(lambda room=room: allocate(park.requests, room, park.balances)))
        theirs.append(processor_seconds(program.most))
    most = sum(program.phases * program.most())
    split = sum(_phases(request) * current for request, current in zip(served, equal_split(served, park), strict=True))
    return Row(min(again), min(anew), min(theirs), delivered(served, shares) / most, split / most)


def processor_seconds(measured: Callable[[], object]) -> float:
    began = time.process_time()
    measured()
    return time.process_time() - began


def delivered(served: Sequence[Request], shares: dict[str, Share]) -> int:
    return sum(_phases(request) * shares[request.charge_point].amps_ma for request in served)


def _phases(request: Request) -> int:
    return sum(1 for line in request.lines if line // LIMITS == request.lines[0] // LIMITS and not is_power(line))


def equal_split(served: Sequence[Request], park: Crowd) -> list[float]:
    """Milliamperes of each when every conductor is divided by those on it, and nobody gets what another leaves."""
    on = [0] * len(park.room)
    for request in served:
        for line in request.lines:
            on[line] += 1 if not is_power(line) else _phases(request)
    return [
        max(request.minimum_ma, min(request.maximum_ma, *(park.room[line] / on[line] for line in request.lines)))
        for request in served
    ]

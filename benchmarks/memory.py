"""Resident memory of a node: what it needs by itself, and what each charge point adds.

Every size is measured in a process of its own, `python -m benchmarks.memory WORLD POINTS`: memory that was used once
is rarely given back.
"""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.setpoint import WORLDS, MeasuredPark
from benchmarks.table import Table

SIZES = (0, 12, 48, 250)
KIB, MIB = 1024, 1024 * 1024
NODE = "nodes.single"  # what a node imports belongs to its memory


@dataclass(frozen=True, slots=True)
class Row:
    """Resident bytes of a node with so many charge points, all of them charging, its metrics page written once."""

    world: str
    points: int
    resident: int


def run(sizes: Sequence[int] = SIZES, worlds: Sequence[str] = tuple(WORLDS)) -> list[Row]:
    """All worlds and sizes, two processes at a time: memory does not mind company."""
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(_measured, world, points) for world in worlds for points in sizes]
        return [each.result() for each in running]


def per_point(rows: Sequence[Row]) -> float:
    """Bytes a charge point adds: the slope of the straight line nearest to the rows (least squares)."""
    count = len(rows)
    mean_points, mean_bytes = sum(row.points for row in rows) / count, sum(row.resident for row in rows) / count
    across = sum((row.points - mean_points) * (row.resident - mean_bytes) for row in rows)
    return across / sum((row.points - mean_points) ** 2 for row in rows)


def report(*, quick: bool) -> Table:
    rows = run((0, 12), ("pool",)) if quick else run()
    worlds = list(dict.fromkeys(row.world for row in rows))
    sizes = sorted({row.points for row in rows})
    lines: list[tuple[str, ...]] = []
    for world in worlds:
        own = sorted((row for row in rows if row.world == world), key=lambda row: row.points)
        cells = (f"{row.resident / MIB:.1f}" for row in own)
        lines.append((world, *cells, f"{per_point(own) / KIB:.1f}"))
    columns = ("world", *(f"{size} points MiB" for size in sizes), "KiB per charge point")
    return Table("Memory", columns, tuple(lines), "0 points: interpreter, libraries and the actors every node has.")


def measure(world: str, points: int) -> int:
    """Bytes this process has resident once such a park charges and was scraped."""
    importlib.import_module(NODE)
    park = MeasuredPark(WORLDS[world](), points)
    try:
        park.fill()
        park.garage.collector.text()
        gc.collect()
        return resident()
    finally:
        park.close()


def resident() -> int:
    """Bytes in RAM, shared libraries included; Linux, /proc/self/statm."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _measured(world: str, points: int) -> Row:
    command = [sys.executable, "-m", "benchmarks.memory", world, str(points)]
    root = Path(__file__).parents[1]
    finished = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return Row(world, points, int(finished.stdout))


if __name__ == "__main__":
    print(measure(sys.argv[1], int(sys.argv[2])))

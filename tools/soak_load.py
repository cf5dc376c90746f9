"""The decision soak: the coordinator on random trees under faults; the totals are kept in docs/soak.md.

`python -m tools.soak_load 1..180 [SECONDS] [MINUTES]`: seeds, simulated seconds each, and for how long to begin new
runs at most. Exit code 1 when a promise was broken; the seed shows it again: `python -m tools.soak_load SEED SECONDS`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from itertools import islice

from nodes.cli.simulate import seeds_of
from park.load.invariants import Violation
from tools.load_soak.figures import Figures
from tools.load_soak.run import run
from tools.soak import RECORD, commit

DEFAULTS = ("1..180", "600", "240")
SHOWN = 5  # violations of one run


def main(arguments: Sequence[str]) -> int:
    named = (*arguments, *DEFAULTS[len(arguments) :])
    seeds, seconds = seeds_of(named[0]), float(named[1])
    until = time.monotonic() + 60.0 * float(named[2])
    total, done = Figures(), seeds[0]
    for seed, figures, violations in _runs(seeds, seconds, until):
        total.add(figures)
        done = max(done, seed)
        print(f"seed {seed}: {figures.plans} decisions, {figures.faults.total()} faults", flush=True)
        for violation in violations[:SHOWN]:
            print(f"  {violation.invariant} at {violation.at:.2f} s, {violation.what}: {violation.detail}")
    print("\n".join(total.lines()))
    if len(seeds) > 1:
        keep(seeds[0], done, seconds, total)
    return 0 if total.is_fine else 1


def _runs(seeds: range, seconds: float, until: float) -> Iterator[tuple[int, Figures, tuple[Violation, ...]]]:
    """As they end. No new one begins after `until` (monotonic); those under way are waited for."""
    workers = int(os.environ.get("SOAK_WORKERS", os.cpu_count() or 1))
    waiting = iter(seeds)
    with ProcessPoolExecutor(max_workers=workers) as pool:
        running = {pool.submit(run, seed, seconds): seed for seed in islice(waiting, workers)}
        while running:
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield running.pop(future), *future.result()
            if time.monotonic() < until:
                running |= {pool.submit(run, seed, seconds): seed for seed in islice(waiting, len(ended))}


def keep(first: int, last: int, seconds: float, total: Figures) -> None:
    """Add a section to the record."""
    title = (
        f"## {datetime.now(UTC):%Y-%m-%d}, decisions, commit {commit()}, seeds {first} to {last}, {seconds:g} s each"
    )
    lines = "\n".join(f"* {line}" for line in total.lines())
    RECORD.write_text(f"{RECORD.read_text()}\n{title}\n\n{lines}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

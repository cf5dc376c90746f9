"""Random parks under many seeds on all processors; the totals are kept in docs/soak.md with the commit they hold for.

`python -m tools.soak 1..1000 [MINUTES]`. Exit code 1 when a promise was broken; the seed shows it again.
A run of a clean commit that was stopped goes on where it was: what a seed showed is kept in `build/soak` until then.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from nodes.cli.simulate import seeds_of
from nodes.simulation.faults import PER_HOUR, SECONDS, Kind
from nodes.simulation.park_outcome import ParkOutcome
from nodes.simulation.park_run import ParkRun
from nodes.simulation.park_totals import ParkTotals, failure

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs/soak.md"
SHOWN = ROOT / "build/soak"
MINUTES = 15.0
UNKNOWN = "unknown"
HEAD = """# Soak runs

Random parks of 2 to 12 boards (drawn evenly) with 1 to 12 charge points each (drawn evenly by the logarithm of their
number), in virtual time, with the same actors as in the field: boards' clocks run up to 5 % fast or slow, frames
between boards are late, lost, doubled and out of order, and this happens, on average, so often in an hour, for a time
drawn evenly by its logarithm:

{faults}

Every run has at least one partition, one crash and one clock jump. Checked throughout, by what is physically so and by
what is on the disks: S1-S5, S11, S12, D1, D2, D4 ([architecture.md](architecture.md)). `make soak` adds a section;
`chargepark simulate --park --seeds N` shows one run again.

Sections of *decisions* (`make soak-load`) run the coordinator alone against a model of boards, pilots, vehicles, meters
and links that shares no code with it: random circuit trees, every third with 3 to 5 levels and 50 to 64 charge points,
boards' clocks up to 5 % off, a fault every 1.5, 4 or 15 s and a step of foreign load every 0.5, 2 or 8 s (means drawn
for each park), vehicles that come and go, operator's limits. Checked: S1-S5 and S11; S5-S7 and S10 of each
allocation; S8 at the end, when nothing happens any more. An overload in A·s is what one
uninterrupted excess on one phase of one circuit came to, house steps and lowered limits included: what was above a
limit is not always of our doing, how long it lasted is. `python -m tools.soak_load SEED 600` shows one run again.

Sections of *kills* (`make soak-kills`) are of real processes on loopback: a server, its boards with their electronics,
meters and cars at the bench, and a backend with a ledger on disk. Cars stay 1 to 6 s once they have current, every node
dies equally often by kill -9 at a moment nobody knows and is started again within 2 s (not counted as recovery). In the
end the ledger is laid beside the bench's visits and the facts on the boards' disks. `python -m tools.kills --seed N`
repeats the draws; processes are never the same twice.
"""


def run(seed: int, minutes: float, shown: Path | None = None) -> ParkOutcome:
    """One park. `shown`: folder of the outcomes of this commit; what is there is not run again."""
    if shown is None:
        return ParkRun(seed, minutes).go()
    path = shown / f"{seed}-{minutes:g}.pickle"
    if path.exists():
        return pickle.loads(path.read_bytes())  # noqa: S301 (written by us)
    outcome = ParkRun(seed, minutes).go()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(outcome))
    part.replace(path)
    return outcome


def main(arguments: list[str]) -> int:
    seeds = seeds_of(arguments[0] if arguments else "1..1000")
    minutes = float(arguments[1]) if len(arguments) > 1 else MINUTES
    totals, at = ParkTotals(), commit()
    shown = SHOWN / at if at.isalnum() and at != UNKNOWN else None
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for outcome in pool.map(partial(run, minutes=minutes, shown=shown), seeds):
            totals.add(outcome)
            print(outcome.line(), flush=True)
            if not outcome.is_fine:
                print("\n".join(failure(outcome, minutes)), flush=True)
    print("\n".join(totals.lines()))
    keep(seeds, minutes, totals)
    return 0 if totals.is_fine else 1


def keep(seeds: range, minutes: float, totals: ParkTotals, path: Path = RECORD) -> None:
    """Add a section to the record."""
    text = path.read_text() if path.exists() else HEAD.format(faults=fault_table())
    title = f"## {datetime.now(UTC):%Y-%m-%d}, commit {commit()}, seeds {seeds[0]} to {seeds[-1]}, {minutes:g} min each"
    path.write_text(f"{text}\n{title}\n\n" + "\n".join(f"* {line}" for line in totals.lines()) + "\n")


def fault_table() -> str:
    return "\n".join(_rows())


def _rows() -> Iterable[str]:
    yield "| fault | an hour | seconds |"
    yield "|---|---|---|"
    for kind in Kind:
        least, most = SECONDS[kind]
        lasts = f"{least:g} to {most:g}" if most else "at once"
        yield f"| {kind.value} | {PER_HOUR[kind]:g} | {lasts} |"


def commit() -> str:
    """The commit of the working tree, with a + when something is not committed."""
    git = shutil.which("git")
    if git is None:
        return UNKNOWN
    head = _git(git, "rev-parse", "--short=10", "HEAD")
    return f"{head}+" if _git(git, "status", "--porcelain", "--untracked-files=no") else head


def _git(git: str, *arguments: str) -> str:
    return subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

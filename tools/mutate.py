"""Puts bugs into load management on purpose, to see whether any test notices.

--listed [NAME ...]  each bug of tests/mutation/bugs.toml, or those whose name has NAME in it
--drawn SEED         small changes of code, in an order drawn by the seed, for --minutes at most, in --only these files
--record             write docs/mutation.md
--trusting           do not first see that the tests pass without any bug

Exit code 1: a listed bug, or more than one of ten drawn ones, was not noticed, or one of these is not explained.
2: the list does not fit the code, a file is missing, or the tests fail without any bug.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from random import Random

from tools.mutation.bench import Bench, CannotRun, Outcome
from tools.mutation.checkers import checkers_for
from tools.mutation.drawn import Mutant, mutants_of
from tools.mutation.listed import ListOutdated, read_bugs
from tools.mutation.record import Results, write
from tools.mutation.survivors import explanations

DRAWN_FROM = (
    "park/load/committed.py",
    "park/load/lease.py",
    "park/load/hold.py",
    "park/load/raising.py",
    "park/load/told.py",
    "park/load/allocate.py",
    "park/load/fair/rounding.py",
)
LEAST_CAUGHT = 0.9


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("--listed", nargs="*", metavar="NAME")
    parser.add_argument("--drawn", type=int, metavar="SEED")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--only", nargs="*", default=DRAWN_FROM, metavar="FILE")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--trusting", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.listed is None and chosen.drawn is None:
        parser.error("say --listed, --drawn SEED, or both")
    results = Results(seed=chosen.drawn or 0)
    try:
        with Bench() as bench:
            if not chosen.trusting:
                require_green(bench, [bug.file for bug in read_bugs()])
            if chosen.listed is not None:
                try_listed(bench, chosen.listed, results)
            if chosen.drawn is not None:
                try_drawn(bench, chosen.only, chosen.drawn, chosen.minutes, results)
    except (ListOutdated, CannotRun, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    why = explanations()
    if chosen.record:
        write(results, why)
    return _told(results, why)


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    """The text above keeps its lines."""


def try_listed(bench: Bench, names: Sequence[str], results: Results) -> None:
    """Raises ListOutdated."""
    bugs = [bug for bug in read_bugs() if not names or any(name in bug.name for name in names)]
    texts = [bug.put_into(bench.read(bug.file)) for bug in bugs]
    for bug, text in zip(bugs, texts, strict=True):
        outcome = _tried(bench, bug.file, text, bug.name)
        results.listed.append((bug, outcome))


def try_drawn(bench: Bench, files: Sequence[str], seed: int, minutes: float, results: Results) -> None:
    until = time.monotonic() + 60.0 * minutes
    everything: list[Mutant] = []
    for file in files:
        there = mutants_of(file, bench.read(file))
        results.possible[file] = len(there)
        everything += there
    Random(seed).shuffle(everything)
    for mutant in everything:
        if time.monotonic() >= until:
            break
        outcome = _tried(bench, mutant.file, mutant.text, f"{mutant.file} {mutant.name}")
        results.drawn.append((mutant, outcome))


def require_green(bench: Bench, files: Iterable[str]) -> None:
    """Tests that fail anyway would catch everything."""
    checkers = dict.fromkeys(checker for file in files for checker in checkers_for(file))
    outcome = bench.run(list(checkers), keep_compiled=True)
    if outcome.caught:
        raise ListOutdated(f"the tests fail without any bug: {outcome.by}; correct that first")


def _tried(bench: Bench, file: str, text: str, name: str) -> Outcome:
    with bench.changed(file, text):
        outcome = bench.run(checkers_for(file))
    print(f"{'caught' if outcome.caught else 'SURVIVED':8} {outcome.seconds:5.1f} s  {name}  {outcome.by}", flush=True)
    return outcome


def _told(results: Results, why: dict[tuple[str, str], str]) -> int:
    """Print what it came to; the exit code."""
    missed = [bug.name for bug, outcome in results.listed if not outcome.caught]
    unexplained = [mutant for mutant in results.survivors if (mutant.file, mutant.name) not in why]
    if results.listed:
        print(f"listed: {len(results.listed) - len(missed)} of {len(results.listed)} caught")
    for name in missed:
        print(f"  survived: {name}")
    tried = len(results.drawn)
    if tried:
        print(f"drawn: {results.killed} of {tried} caught ({100 * results.killed / tried:.1f} %)")
    for mutant in unexplained:
        print(f"  survived, not explained: {mutant.file} {mutant.name}")
    too_few = tried > 0 and results.killed < LEAST_CAUGHT * tried
    return 1 if missed or unexplained or too_few else 0


if __name__ == "__main__":
    sys.exit(main())

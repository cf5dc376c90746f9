"""Puts bugs into load management on purpose, to see whether any test notices.

`python -m tools.mutate --listed [NAME ...]` puts each bug of tests/mutation/bugs.toml (or those whose name has NAME in
it) into a copy of the code and runs tests there. Exit code 1 when one is not noticed, 2 when the list does not fit.
"""

from __future__ import annotations

import argparse
import sys

from tools.mutation.bench import Bench, Outcome
from tools.mutation.checkers import checkers_for
from tools.mutation.listed import Bug, ListOutdated, read_bugs


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("--listed", nargs="*", metavar="NAME", help="the bugs of the list, or those named so")
    chosen = parser.parse_args(arguments)
    try:
        bugs = [bug for bug in read_bugs() if _is_named(bug, chosen.listed)]
        with Bench() as bench:
            texts = [bug.put_into(bench.read(bug.file)) for bug in bugs]
            if not _is_green(bench, [bug.file for bug in bugs]):
                return 2
            survived = [bug for bug, text in zip(bugs, texts, strict=True) if not _tried(bench, bug, text).caught]
    except ListOutdated as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{len(bugs) - len(survived)} of {len(bugs)} caught")
    for bug in survived:
        print(f"survived: {bug.name} ({bug.file}, {bug.breaks})")
    return 1 if survived else 0


def _is_named(bug: Bug, names: list[str] | None) -> bool:
    return not names or any(name in bug.name for name in names)


def _is_green(bench: Bench, files: list[str]) -> bool:
    """Tests that fail anyway would catch everything."""
    checkers = dict.fromkeys(checker for file in files for checker in checkers_for(file))
    outcome = bench.run([checker for checker in checkers if (bench.root / checker).exists()], keep_compiled=True)
    if outcome.caught:
        print(f"the tests fail without any bug: {outcome.by}; correct that first", file=sys.stderr)
    return not outcome.caught


def _tried(bench: Bench, bug: Bug, text: str) -> Outcome:
    checkers = [checker for checker in checkers_for(bug.file) if (bench.root / checker).exists()]
    with bench.changed(bug.file, text):
        outcome = bench.run(checkers)
    print(
        f"{'caught' if outcome.caught else 'SURVIVED':8} {outcome.seconds:5.1f} s  {bug.name}  {outcome.by}", flush=True
    )
    return outcome


if __name__ == "__main__":
    sys.exit(main())

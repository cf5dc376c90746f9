"""docs/mutation.md: what was put in, what was noticed by which test, and why the rest need not be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.mutation.bench import ROOT, Outcome
from tools.mutation.drawn import Mutant
from tools.mutation.listed import Bug
from tools.mutation.survivors import UNEXPLAINED
from tools.soak import commit

PAGE = ROOT / "docs/mutation.md"
INTRO = """# Bugs on purpose

Written by `make mutate`. Bugs are put into load management, one at a time, in a copy of the code, and the tests of
`tests/park/load` (for a charge point's lease `tests/park/charging`) must notice. A test that never fails proves
nothing; a bug that no test notices shows which one is missing.

* The **listed** bugs (`tests/mutation/bugs.toml`) are mistakes that people make: all must be caught.
* The **drawn** ones are small changes of code, made from its syntax tree: comparisons and arithmetic turned into their
  neighbours, constants one larger, conditions turned round, `and` for `or`, `min` for `max`, statements left out. At
  least nine of ten must be caught; each that survives is explained in `tests/mutation/survivors.toml`.
"""


@dataclass(slots=True)
class Results:
    """`listed`, `drawn`: in the order they were tried. `possible`: how many changes there are in each file."""

    listed: list[tuple[Bug, Outcome]] = field(default_factory=list[tuple[Bug, Outcome]])
    drawn: list[tuple[Mutant, Outcome]] = field(default_factory=list[tuple[Mutant, Outcome]])
    possible: dict[str, int] = field(default_factory=dict[str, int])
    seed: int = 0
    commit: str = field(default_factory=commit)  # of which the copy is made

    @property
    def killed(self) -> int:
        return sum(outcome.caught for _, outcome in self.drawn)

    @property
    def survivors(self) -> list[Mutant]:
        return [mutant for mutant, outcome in self.drawn if not outcome.caught]


def write(results: Results, why: Mapping[tuple[str, str], str]) -> None:
    PAGE.write_text("\n".join(_page(results, why)) + "\n")


def _page(results: Results, why: Mapping[tuple[str, str], str]) -> Iterator[str]:
    yield INTRO
    yield f"Newest run: {datetime.now(UTC):%Y-%m-%d}, commit {results.commit}.\n"
    caught = sum(outcome.caught for _, outcome in results.listed)
    yield f"## Listed: {caught} of {len(results.listed)} caught\n"
    yield "| bug | breaks | file | caught by |"
    yield "|---|---|---|---|"
    for bug, outcome in results.listed:
        by = f"`{_short(outcome.by)}`" if outcome.caught else "**survived**"
        yield f"| {_cell(bug.name)} | {bug.breaks} | `{bug.file}` | {_cell(by)} |"
    if results.drawn:
        yield from _drawn(results, why)


def _drawn(results: Results, why: Mapping[tuple[str, str], str]) -> Iterator[str]:
    tried = len(results.drawn)
    share = 100 * results.killed / tried
    yield f"\n## Drawn: {results.killed} of {tried} caught ({share:.1f} %), seed {results.seed}\n"
    yield "| file | changes there are | tried | caught |"
    yield "|---|---|---|---|"
    for file, possible in results.possible.items():
        outcomes = [outcome for mutant, outcome in results.drawn if mutant.file == file]
        yield f"| `{file}` | {possible} | {len(outcomes)} | {sum(outcome.caught for outcome in outcomes)} |"
    yield from _survivors(results.survivors, why)


def _survivors(survivors: Sequence[Mutant], why: Mapping[tuple[str, str], str]) -> Iterator[str]:
    if not survivors:
        return
    yield "\n### Those that survived\n"
    yield "| file | change | why |"
    yield "|---|---|---|"
    for mutant in sorted(survivors, key=lambda mutant: (mutant.file, mutant.name)):
        reason = why.get((mutant.file, mutant.name), f"**{UNEXPLAINED}**")
        yield f"| `{mutant.file.removeprefix('park/load/')}` | {_cell(f'`{mutant.name}`')} | {_cell(reason)} |"


def _short(test: str) -> str:
    return test.removeprefix("tests/park/").partition("[")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

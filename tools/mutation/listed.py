"""The list of bugs: what is wrong in each is data, and a list that no longer fits the code says so."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.bench import ROOT

LIST = ROOT / "tests/mutation/bugs.toml"


class ListOutdated(Exception):
    """A bug cannot be put into the code as it is now."""


@dataclass(frozen=True, slots=True)
class Bug:
    """`old`, found exactly once in `file`, becomes `new`. `breaks`: the promise (S1 … S12) or rule that ends."""

    name: str
    breaks: str
    file: str
    old: str
    new: str

    def put_into(self, text: str) -> str:
        """The text with the bug in it."""
        count = text.count(self.old)
        if count != 1:
            raise ListOutdated(
                f"bug {self.name!r}: {self.file} has its old text {count} times, it must be there exactly once; "
                f"correct it in {LIST.relative_to(ROOT)}:\n{self.old}"
            )
        return text.replace(self.old, self.new)


def read_bugs(path: Path = LIST) -> tuple[Bug, ...]:
    """All of them, in the order of the file."""
    rows = tomllib.loads(path.read_text())["bug"]
    bugs = tuple(Bug(**row) for row in rows)
    names = [bug.name for bug in bugs]
    if len(set(names)) != len(names):
        raise ListOutdated(f"{path}: a name is there twice; each bug has its own")
    return bugs

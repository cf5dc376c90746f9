"""Why a drawn change of code may survive: written by hand, keyed by file and name of the mutant."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tools.mutation.bench import ROOT

EXPLAINED = ROOT / "tests/mutation/survivors.toml"
UNEXPLAINED = "not explained yet: a test is missing, or an explanation in tests/mutation/survivors.toml"


def explanations(path: Path = EXPLAINED) -> dict[tuple[str, str], str]:
    """(file, name of the mutant) → why no test can tell it from the code, or need not."""
    rows = tomllib.loads(path.read_text()).get("survivor", [])
    return {(row["file"], row["mutant"]): row["why"] for row in rows}

"""An actor stays a thin shell: what does not fit in 120 lines is domain, and belongs to park/."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 120
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
(RUNTIME,) = (set(contract["shared"]) for contract in CONTRACTS if contract["id"] == "siblings")
SHELLS = sorted(path for path in (ROOT / "actors").glob("*.py") if path.stem not in RUNTIME)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell.stem)
def test_an_actor_is_a_shell(shell: Path) -> None:
    assert len(shell.read_text().splitlines()) <= LONGEST

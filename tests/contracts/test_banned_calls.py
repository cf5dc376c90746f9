"""What imports cannot show: clocks, random draws and files are refused in the inner rings, and only there."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["flake8-tidy-imports"][
    "banned-api"
]
INNER_RINGS = ("park", "actors")
OUTER = ("nodes", "tests", "tools", "benchmarks")


def uses(banned: str) -> str:
    """A module that imports the banned name's module and uses the name."""
    owner = banned.split(".", maxsplit=1)[0]
    return f"import {owner}\n\nused = {banned}\n" if owner != banned else f"import {owner}\n"


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """(folder, banned name) for every breach that ruff reports in a tree full of them."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for folder in (*INNER_RINGS, *OUTER):
        (tree / folder).mkdir()
        for banned in BANNED:
            (tree / folder / f"{banned.replace('.', '_')}.py").write_text(uses(banned))
    command = [Path(sys.executable).parent / "ruff", "check", "--no-cache", "--output-format", "json", "."]
    checked = subprocess.run([*command, "--select", "TID251"], cwd=tree, capture_output=True, text=True, check=False)
    files = {Path(found["filename"]) for found in json.loads(checked.stdout)}
    return {(file.parent.name, file.stem) for file in files}


@pytest.mark.parametrize("banned", BANNED)
@pytest.mark.parametrize("ring", INNER_RINGS)
def test_the_inner_rings_may_not_use_it(refused: set[tuple[str, str]], ring: str, banned: str) -> None:
    assert (ring, banned.replace(".", "_")) in refused


@pytest.mark.parametrize("folder", OUTER)
def test_the_outside_may(refused: set[tuple[str, str]], folder: str) -> None:
    assert folder not in {where for where, _ in refused}


def test_the_list_names_what_the_architecture_bans() -> None:
    wanted = {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today", "numpy.random", "random"}
    assert wanted <= set(BANNED)

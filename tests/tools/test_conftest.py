"""What tests/conftest.py promises: nothing skips in CI, peers are named with their install command, rules exist."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_PEERS = 'import pytest\n@pytest.mark.peer("mbpoll")\ndef test_peer(): ...\n'
SKIPPED = "import pytest\ndef test_skipped():\n    pytest.skip('because')\ndef test_fine(): ...\n"
MODULE_SKIPPED = "import pytest\npytest.importorskip('no_such_module')\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs").mkdir()
    for file in ("pyproject.toml", "tests/conftest.py", "docs/rules.csv"):
        shutil.copy(ROOT / file, tmp_path / file)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(tree: Path, source: str, *arguments: str, ci: bool) -> tuple[int, str]:
    """Exit status and output of pytest over one module, on a machine that has nothing but Python."""
    (tree / "tests/test_one.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    environment = {**kept, "PATH": str(tree), "CI": "true" if ci else ""}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "arguments"),
    [(SKIPPED, ()), (MODULE_SKIPPED, ()), (SKIPPED, ("-n", "2", "--dist", "loadgroup"))],
    ids=["test", "module", "two workers"],
)
def test_a_skip_fails_the_run_in_ci(tree: Path, source: str, arguments: tuple[str, ...]) -> None:
    status, output = run(tree, source, *arguments, ci=True)
    assert status != 0
    assert "1 skipped with CI=true" in output


def test_a_skip_is_fine_elsewhere(tree: Path) -> None:
    status, output = run(tree, SKIPPED, ci=False)
    assert status == 0
    assert "1 passed, 1 skipped" in output


def test_a_missing_peer_is_named_with_its_remedy(tree: Path) -> None:
    status, output = run(tree, NO_PEERS, ci=False)
    assert status == 0
    assert "needs mbpoll: apt-get install mbpoll" in output
    status, output = run(tree, NO_PEERS, ci=True)
    assert status == 1
    assert "needs mbpoll: apt-get install mbpoll" in output
    assert "skipped" not in output


def test_an_unknown_rule_or_peer_fails_its_test(tree: Path) -> None:
    marks = ('rule("B-999")', 'rule("B-007")', 'peer("telnet")')
    tests = [f"@pytest.mark.{mark}\ndef test_{number}(): ...\n" for number, mark in enumerate(marks)]
    status, output = run(tree, "import pytest\n" + "".join(tests), ci=False)
    assert status == 1
    assert "3 errors" in output
    assert "B-999 is not a rule in scope" in output
    assert "B-007 is not a rule in scope" in output
    assert "telnet is no peer that tests/conftest.py knows: mbpoll" in output

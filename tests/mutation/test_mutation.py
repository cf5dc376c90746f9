"""The list of bugs fits the code, some of them are caught here and now, and drawn changes are what they say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutate import DRAWN_FROM
from tools.mutation.bench import ROOT, Outcome
from tools.mutation.checkers import checkers_for
from tools.mutation.drawn import Mutant, mutants_of
from tools.mutation.listed import Bug, ListOutdated, read_bugs
from tools.mutation.record import Results, _page
from tools.mutation.survivors import EXPLAINED, explanations

BUGS = read_bugs()
QUICK = ("no lease", "fallback not reserved: the lapse", "no reaction time", "no margin for", "measured overdraw")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_of_the_list_can_still_be_put_in(bug: Bug):
    text = (ROOT / bug.file).read_text()
    ast.parse(bug.put_into(text))
    assert all((ROOT / checker).exists() for checker in checkers_for(bug.file))


def test_there_are_thirty_and_more():
    assert len(BUGS) >= 30


@pytest.mark.parametrize(("text", "count"), [("there = 2", 0), ("there = 1\nthere = 1", 2)])
def test_a_bug_that_fits_no_more_is_told_with_name_file_and_text(text: str, count: int):
    bug = Bug("an example", "S1", "park/there.py", "there = 1", "there = 0")
    with pytest.raises(ListOutdated) as told:
        bug.put_into(text)
    said = str(told.value)
    assert f"bug 'an example': park/there.py has its old text {count} times" in said
    assert "tests/mutation/bugs.toml" in said
    assert said.endswith("there = 1")


def test_two_bugs_of_one_name_are_refused(tmp_path: Path):
    row = '[[bug]]\nname = "a"\nbreaks = "S1"\nfile = "f"\nold = "b"\nnew = "c"\n'
    path = tmp_path / "bugs.toml"
    path.write_text(row * 2)
    with pytest.raises(ListOutdated, match="a name is there twice"):
        read_bugs(path)


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.mutate", "--trusting", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_handful_of_bugs_is_caught():
    done = mutate("--listed", *QUICK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"listed: {len(QUICK)} of {len(QUICK)} caught" in done.stdout


def test_without_anything_to_do_it_says_how_to_ask():
    done = mutate()
    assert done.returncode == 2
    assert "say --listed, --drawn SEED, or both" in done.stderr


def test_a_file_that_is_not_there_is_named():
    done = mutate("--drawn", "1", "--only", "park/load/nowhere.py")
    assert done.returncode == 2
    assert "park/load/nowhere.py" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("x = a < b", "x = (a <= b)"),
        ("x = a + b", "x = (a - b)"),
        ("x = 5", "x = (6)"),
        ("x = True", "x = (False)"),
        ("x = not a", "x = (a)"),
        ("x = min(a, b)", "x = (max(a, b))"),
        ("x = a and b", "x = (a or b)"),
        ("a.b = c", "pass"),
        ("a.append(b)", "pass"),
        ("if a: b", "if (not (a)): b"),
        ("x = 'ä', a > b", "x = 'ä', (a >= b)"),
    ],
)
def test_changes(code: str, changed: str):
    assert changed in [mutant.text for mutant in mutants_of("f.py", code)]


@pytest.mark.parametrize("code", ['"""What it is."""', "__slots__ = ('a',)", "import a", "def f(x: int) -> int: ..."])
def test_what_is_no_code_is_left_alone(code: str):
    assert mutants_of("f.py", code) == []


@pytest.mark.parametrize("file", DRAWN_FROM)
def test_every_change_is_python_and_has_a_name_of_its_own(file: str):
    text = (ROOT / file).read_text()
    mutants = mutants_of(file, text)
    assert len({mutant.name for mutant in mutants}) == len(mutants) > 10
    for mutant in mutants:
        ast.parse(mutant.text)
        assert mutant.text != text


def test_each_explanation_is_of_a_change_that_there_is():
    there = {(file, mutant.name) for file in DRAWN_FROM for mutant in mutants_of(file, (ROOT / file).read_text())}
    gone = [key for key in explanations() if key not in there]
    assert gone == [], f"take these out of {EXPLAINED.name}, or correct their names"


def test_the_page_names_what_survived_and_why():
    bug = Bug("a bug | of two", "S1", "park/load/lease.py", "a", "b")
    caught, survived = (
        Outcome(caught=True, by="tests/park/load/test_a.py::test_b[c]", seconds=1.0),
        Outcome(caught=False, by="", seconds=2.0),
    )
    explained, other = Mutant("park/load/lease.py", "f: 1 → 2", ""), Mutant("park/load/lease.py", "f: a | b", "")
    results = Results([(bug, caught)], [(explained, survived), (other, survived)], {"park/load/lease.py": 9}, 7)
    page = "\n".join(_page(results, {("park/load/lease.py", "f: 1 → 2"): "the same"}))
    assert "| a bug \\| of two | S1 | `park/load/lease.py` | `load/test_a.py::test_b` |" in page
    assert "| `lease.py` | `f: 1 → 2` | the same |" in page
    assert "not explained yet" in page
    assert "0 of 2 caught (0.0 %), seed 7" in page

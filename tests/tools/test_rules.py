"""The page that says which rule is shown by which test."""

from pathlib import Path

from tools.rules import Rule, marked_tests, read_rules, render

TESTS = """
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.rule("B-001")]

@pytest.mark.rule("B-002", "B-003")
def test_plain(): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.rule("B-004"))])
async def test_table(x): ...

@pytest.mark.rule("B-005")
class TestGroup:
    @pytest.mark.rule("B-002")
    def test_inside(self): ...

def rule(text): return text

rule("B-099")
"""


def test_marks_are_found_wherever_pytest_finds_them(tmp_path: Path) -> None:
    (tmp_path / "tests/park").mkdir(parents=True)
    (tmp_path / "tests/park/test_pilot.py").write_text(TESTS)
    (tmp_path / "tests/park/not_a_test.py").write_text('pytest.mark.rule("B-098")')
    (tmp_path / "tests/peers/node_modules").mkdir(parents=True)
    (tmp_path / "tests/peers/node_modules/test_theirs.py").write_text('pytest.mark.rule("B-097")')
    file = "tests/park/test_pilot.py"
    assert marked_tests(tmp_path / "tests") == {
        "B-001": [file],
        "B-002": [f"{file}::TestGroup::test_inside", f"{file}::test_plain"],
        "B-003": [f"{file}::test_plain"],
        "B-004": [f"{file}::test_table"],
        "B-005": [f"{file}::TestGroup"],
    }


def test_coverage_counts_what_is_in_scope() -> None:
    rules = {
        "B-001": Rule("B-001", "ocpp", "in"),
        "B-002": Rule("B-002", "ocpp", "better"),
        "B-003": Rule("B-003", "load", "in"),
        "B-004": Rule("B-004", "load", "out"),
    }
    page = render(rules, {"B-002": ["tests/test_a.py::test_b"]})
    assert "1 of 3 rules in scope have a test." in page
    assert "| load | 1 | 0 |\n| ocpp | 2 | 1 |\n" in page
    assert "| B-002 | ocpp | better | `tests/test_a.py::test_b` |" in page
    assert "* load: B-003\n* ocpp: B-001\n" in page


def test_the_catalogue_and_the_table_have_the_same_rules() -> None:
    docs = Path(__file__).parents[2] / "docs"
    catalogue = [line.split("**")[1] for line in (docs / "behaviours.md").read_text().splitlines() if "* **B-" in line]
    assert catalogue == [f"B-{number:03d}" for number in range(1, 425)]
    assert list(read_rules(docs / "rules.csv")) == catalogue
    assert {rule.scope for rule in read_rules(docs / "rules.csv").values()} == {"in", "better", "out"}

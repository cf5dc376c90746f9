"""The catalogue of troubles in docs/hostile.md: every scenario is there, its tests exist, and one has a figure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/hostile.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (R\d\d) \|[^|]*\| (.*) \|$", TEXT, re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+?)_?…?)?`")


def test_every_scenario_has_its_row():
    assert [scenario for scenario, _ in ROWS] == [f"R{number:02d}" for number in range(1, 34)]


@pytest.mark.parametrize(("scenario", "tests"), ROWS)
def test_its_tests_exist_and_one_has_a_figure(scenario: str, tests: str):
    named = NAMED.findall(tests)
    assert named
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file, _ in named}
    for file, function in named:
        assert not function or re.search(rf"def {function}", texts[file]), f"{file} has no {function}"
    figures = [text for text in texts.values() if '"figure"' in text]
    assert figures
    assert any(scenario in text for text in figures)

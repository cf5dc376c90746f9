"""The table of makers' parameters names keys that exist, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from park.config.node_config import NodeConfig
from park.config.schema import field_at
from park.ocpp.keys.registry import find
from tools.rules import marked_tests

ROOT = Path(__file__).parents[2]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|\n").split(" |"))
    for line in (ROOT / "docs/parameters.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| parameter")
]
SHOWN = {rule for rule, tests in marked_tests(ROOT / "tests").items() if tests}
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_is_true(row: tuple[str, str, str]):
    parameter, here, shown = row
    assert parameter
    for table, name in re.findall(r"`([a-z_]+)\.([a-z_]+)`", here):
        assert field_at(NodeConfig, (table, name)) is not None, f"{table}.{name}"
    for name in re.findall(r"key `(\w+)`", here):
        assert find(name) is not None, name
    rules, tests = re.findall(r"B-\d{3}", shown), re.findall(r"`(test_\w+)`", shown)
    assert here.startswith("none: ") or rules or tests, "neither a test nor a reason"
    assert set(rules) <= SHOWN
    assert set(tests) <= TESTS

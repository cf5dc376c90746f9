"""Which rule of docs/behaviours.md is shown by which test: read from the tests' source, nothing is run.

Counted are literal ids in `pytest.mark.rule("B-041")`: on a test, on a class of tests, in `pytestmark`, and in the
`marks` of a `pytest.param`.
"""

from __future__ import annotations

import ast
import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

INTRODUCTION = """\
# Which test shows which rule

Made by `make docs` from the marks in `tests/` and from `rules.csv`; the rules themselves stand in
[behaviours.md](behaviours.md). In scope are those to reproduce (`in`) and those this product does in another way
(`better`: the note in `rules.csv` says how, and the test shows that).
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of docs/rules.csv; `scope` is `in`, `better` or `out`."""

    id: str
    area: str
    scope: str


def read_rules(table: Path) -> dict[str, Rule]:
    """All rules by id, in the order of the table."""
    with table.open(encoding="utf-8", newline="") as lines:
        return {row["rule"]: Rule(row["rule"], row["area"], row["scope"]) for row in csv.DictReader(lines)}


def marked_tests(tests: Path) -> dict[str, list[str]]:
    """Rule id → sorted names of the tests that carry its mark, as `tests/park/test_pilot.py::test_duty`."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in sorted(tests.rglob("test_*.py")):
        if "node_modules" not in file.parts:
            name = file.relative_to(tests.parent).as_posix()
            for rule, test in _marks(ast.parse(file.read_bytes(), name), name):
                found[rule].add(test)
    return {rule: sorted(names) for rule, names in found.items()}


def render(rules: Mapping[str, Rule], marked: Mapping[str, list[str]]) -> str:
    """The page docs/rules.md."""
    wanted = [rule for rule in rules.values() if rule.scope != "out"]
    lines = [INTRODUCTION, *_coverage(wanted, marked), "", "## Rules with a test", ""]
    lines += ["| rule | area | scope | tests |", "|---|---|---|---|"]
    for rule in wanted:
        if rule.id in marked:
            tests = "<br>".join(f"`{test}`" for test in marked[rule.id])
            lines.append(f"| {rule.id} | {rule.area} | {rule.scope} | {tests} |")
    lines += ["", "## Rules in scope without a test", ""]
    for area in sorted({rule.area for rule in wanted}):
        missing = [rule.id for rule in wanted if rule.area == area and rule.id not in marked]
        if missing:
            lines.append(f"* {area}: {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def _coverage(wanted: list[Rule], marked: Mapping[str, list[str]]) -> Iterator[str]:
    """The table of areas, with the sum on top."""
    shown = [rule for rule in wanted if rule.id in marked]
    yield f"{len(shown)} of {len(wanted)} rules in scope have a test."
    yield ""
    yield "| area | in scope | with a test |"
    yield "|---|---|---|"
    for area in sorted({rule.area for rule in wanted}):
        of_area = sum(rule.area == area for rule in wanted)
        yield f"| {area} | {of_area} | {sum(rule.area == area for rule in shown)} |"


def _marks(tree: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
    """(rule, test) for every mark in a module or class; a mark outside a test counts for all that stands below it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            below = f"{prefix}::{node.name}"
            for decorator in node.decorator_list:
                yield from ((rule, below) for rule in _rule_ids(decorator))
            yield from _marks(node, below)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((rule, f"{prefix}::{node.name}") for d in node.decorator_list for rule in _rule_ids(d))
        else:
            yield from ((rule, prefix) for rule in _rule_ids(node))


def _rule_ids(tree: ast.AST) -> Iterator[str]:
    """The ids in every `….rule("B-041", …)` at or below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "rule":
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value

"""Makes docs/octt.md: which test covers which case of the OCPP 1.6 compliance testing tool.

The cases stand in docs/octt.csv, with the reason of those that do not apply. A case has one file in tests/octt, named
after it, whose first line repeats its name. The page says which, read from their source; nobody writes that it passes.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD = """\
# Cases of the OCPP 1.6 compliance testing tool

The Open Charge Alliance tests a charge point by the cases of its OCPP Compliance Testing Tool (OCTT). Each case that
applies has a file in `tests/octt/`, and runs in every run of the tests: the node as a process, over sockets, with the
virtual bench as its hardware, before a central system by other people (the npm package `ocpp-rpc` in strict mode). This
page is generated from these files and from `docs/octt.csv`; do not edit it.

* *Variants*: how the outlet is built, where the case depends on it.
* The tool itself is not free and was not used: the cases were written after its published descriptions.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A row of docs/octt.csv; `excluded`: why it does not apply, empty if it does."""

    id: str
    module: str
    name: str
    excluded: str


@dataclass(frozen=True, slots=True)
class Covering:
    """The file of a case. `outlets`: those it runs with, none if it does not matter."""

    path: str
    title: str
    outlets: tuple[str, ...]


def read_cases(table: Path) -> list[Case]:
    """All cases, in the order of the table."""
    with table.open(encoding="utf-8", newline="") as lines:
        return [Case(row["case"], row["module"], row["name"], row["excluded"]) for row in csv.DictReader(lines)]


def read_tests(folder: Path) -> list[Covering]:
    """What the files of a folder are about."""
    return [_read(file) for file in sorted(folder.glob("test_tc_*.py"))]


def _read(file: Path) -> Covering:
    tree = ast.parse(file.read_bytes(), file.name)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    outlets = [name for test in tests for mark in test.decorator_list for name in _outlets(mark)]
    title = (ast.get_docstring(tree) or "").partition("\n")[0]
    return Covering(f"tests/octt/{file.name}", title, tuple(dict.fromkeys(outlets)))


def _outlets(mark: ast.expr) -> Iterator[str]:
    """The arguments of a literal `hardware("socket", "cable")`."""
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "hardware":
        yield from (str(each.value) for each in mark.args if isinstance(each, ast.Constant))


def pair(cases: Sequence[Case], tests: Sequence[Covering]) -> dict[str, Covering]:
    """The file of each case that has one. Raises ValueError for a file without a case, or two files of one."""
    by_title = {f"{case.id}_CS {case.name}.": case for case in cases}
    found: dict[str, Covering] = {}
    for test in tests:
        case = by_title.get(test.title)
        if case is None or not Path(test.path).name.startswith(f"test_{case.id.lower()}_"):
            raise ValueError(f"{test.path}: its first line is {test.title!r}, which is no case of docs/octt.csv")
        if case.excluded or case.id in found:
            raise ValueError(f"{test.path}: {case.id} does not apply, or has another file")
        found[case.id] = test
    return found


def render(cases: Sequence[Case], tests: Sequence[Covering]) -> str:
    """The page docs/octt.md."""
    found = pair(cases, tests)
    excluded = [case for case in cases if case.excluded]
    missing = [case for case in cases if not case.excluded and case.id not in found]
    lines = [HEAD, f"{len(cases)} cases, {len(excluded)} of them not applicable; {len(found)} have a test."]
    for module in dict.fromkeys(case.module for case in cases):
        of_module = [case for case in cases if case.module == module and case.id in found]
        lines += ["", f"## {module}", "", *_table(of_module, found)] if of_module else []
    lines += ["", "## Not applicable", "", *(f"* {case.id} {case.name}: {case.excluded}." for case in excluded)]
    if missing:
        lines += ["", "## Without a test", "", *(f"* {case.id} {case.name}" for case in missing)]
    return "\n".join(lines) + "\n"


def _table(cases: Sequence[Case], found: Mapping[str, Covering]) -> Iterator[str]:
    yield "| case | name | test | variants |"
    yield "|---|---|---|---|"
    for case in cases:
        test = found[case.id]
        yield f"| {case.id} | {case.name} | [{Path(test.path).name}](../{test.path}) | {', '.join(test.outlets)} |"

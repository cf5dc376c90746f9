"""Small changes of code, one at a time: operators, constants, conditions turned round, statements left out."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Add,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "highest": "lowest", "lowest": "highest", "any": "all", "all": "any"}
LONGEST = 90  # characters of code in a name


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `name` says where and what, and stays the same when other lines come or go."""

    file: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Change:
    """`node` is replaced by `new` source text."""

    node: ast.expr | ast.stmt
    new: str
    what: str


def mutants_of(file: str, text: str) -> list[Mutant]:
    """All of a file, in the order of its lines. The same change at two places of a function is numbered."""
    raw = text.encode()
    starts = [0, *accumulate(len(line) for line in raw.splitlines(keepends=True))]
    found: list[Mutant] = []
    names: Counter[str] = Counter()
    for where, change in _changes(ast.parse(text), ""):
        node = change.node
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: PT018, S101 - parsed from text
        first = starts[node.lineno - 1] + node.col_offset
        last = starts[node.end_lineno - 1] + node.end_col_offset
        name = f"{where}: {change.what}"
        names[name] += 1
        if names[name] > 1:
            name = f"{name} ({names[name]})"
        changed = raw[:first] + change.new.encode() + raw[last:]
        found.append(Mutant(file, name, changed.decode()))
    return found


def _changes(node: ast.AST, where: str) -> Iterator[tuple[str, _Change]]:
    """Changes below this node; docstrings, annotations, decorators and slots stay as they are."""
    for child in _mutable(node):
        inside = where
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inside = f"{where}.{child.name}" if where else child.name
        for change in _of(child):
            yield where or "module", change
        yield from _changes(child, inside)


def _mutable(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_fixed(child):
                yield child


def _is_fixed(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id in {"__slots__", "delivery"}
    if isinstance(node, ast.keyword) and node.arg == "strict":  # of zip: an assertion, and no more
        return True
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.JoinedStr)


def _of(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield _changed(node, ast.Compare(node.left, [COMPARISONS[type(operator)]()], node.comparators))
        case ast.BinOp(left, operator, right) if type(operator) in ARITHMETIC:
            yield _changed(node, ast.BinOp(left, ARITHMETIC[type(operator)](), right))
        case ast.BoolOp(operator, values):
            yield _changed(node, ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values))
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield _changed(node, operand)
        case ast.Constant(bool() as value):
            yield _changed(node, ast.Constant(not value))
        case ast.Constant(int() | float() as value):
            yield _changed(node, ast.Constant(value + 1))
        case ast.Call(ast.Name(name), arguments, keywords) if name in CALLS:
            yield _changed(node, ast.Call(ast.Name(CALLS[name]), arguments, keywords))
        case ast.Call(ast.Name(name), arguments) if name in {"add", "subtract"} and len(arguments) > 1:
            yield _changed(node, arguments[0])
        case ast.If(test) | ast.IfExp(test) | ast.While(test) if not isinstance(test, ast.Compare | ast.UnaryOp):
            yield _Change(test, f"(not ({ast.unparse(test)}))", f"condition turned round: {ast.unparse(test)}")
        case _:
            yield from _left_out(node)


def _left_out(node: ast.AST) -> Iterator[_Change]:
    """Statements without whom the code still runs."""
    match node:
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            yield _removed(node)
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield _removed(node)
        case _:
            pass


def _removed(node: ast.stmt) -> _Change:
    return _Change(node, "pass", f"left out: {_short(ast.unparse(node))}")


def _changed(node: ast.expr, new: ast.expr) -> _Change:
    text = ast.unparse(ast.fix_missing_locations(new))
    return _Change(node, f"({text})", f"{_short(ast.unparse(node))} → {_short(text)}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"

"""The contract types that import-linter lacks: an allow-list, silent siblings, calls that have one home."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def _modules(graph: ImportGraph, package: str) -> list[str]:
    """A package and all modules below it."""
    return sorted({package} | graph.find_descendants(package))


class _FindingsContract(Contract):
    """A contract whose check yields one line of text for each breach."""

    def findings(self, graph: ImportGraph) -> Iterator[str]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 (import-linter's signature)
        found = sorted(set(self.findings(graph)))
        return ContractCheck(kept=not found, metadata={"findings": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for finding in check.metadata["findings"]:
            output.print_error(finding)


class OnlyContract(_FindingsContract):
    """The source package imports itself, the standard library (some modules excepted) and what is listed."""

    type_name = "only"
    source: Any = fields.StringField()
    allowed: Any = fields.SetField(subfield=fields.StringField())
    stdlib_except: Any = fields.SetField(subfield=fields.StringField(), required=False)

    def findings(self, graph: ImportGraph) -> Iterator[str]:
        stdlib = set(sys.stdlib_module_names) - set(self.stdlib_except or ())
        allowed = stdlib | set(self.allowed) | {self.source}
        for importer in _modules(graph, self.source):
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported.split(".")[0] not in allowed:
                    for line in _lines(graph, importer, imported):
                        yield f"{importer}:{line} imports {imported}"


class SiblingsContract(_FindingsContract):
    """The parts of a package import the shared parts only, never each other."""

    type_name = "siblings"
    package: Any = fields.StringField()
    shared: Any = fields.SetField(subfield=fields.StringField())

    def findings(self, graph: ImportGraph) -> Iterator[str]:
        for importer in _modules(graph, self.package):
            for imported in graph.find_modules_directly_imported_by(importer):
                if not imported.startswith(f"{self.package}."):
                    continue
                part = self._part(imported)
                if part not in self.shared and part != self._part(importer):
                    for line in _lines(graph, importer, imported):
                        yield f"{importer}:{line} imports its sibling {imported}"

    def _part(self, module: str) -> str:
        """`actors.meter.averaging` belongs to the part `meter`; the package itself to none."""
        return module.removeprefix(self.package).lstrip(".").split(".")[0]


class CallsContract(_FindingsContract):
    """Methods and functions of these names are used in the listed modules only; imports cannot show this."""

    type_name = "calls"
    packages: Any = fields.SetField(subfield=fields.StringField())
    methods: Any = fields.SetField(subfield=fields.StringField(), required=False)
    functions: Any = fields.SetField(subfield=fields.StringField(), required=False)
    allowed_in: Any = fields.SetField(subfield=fields.StringField(), required=False)

    def findings(self, graph: ImportGraph) -> Iterator[str]:
        homes = set(self.allowed_in or ())
        where = f"which belongs to {', '.join(sorted(homes))}" if homes else "which has no place here"
        for module in (m for package in sorted(self.packages) for m in _modules(graph, package)):
            if module not in homes and "_pb2" not in module:
                for line, name in self._uses(_source(module)):
                    yield f"{module}:{line} uses {name}, {where}"

    def _uses(self, source: Path) -> Iterator[tuple[int, str]]:
        methods, functions = set(self.methods or ()), set(self.functions or ())
        for node in ast.walk(ast.parse(source.read_bytes(), str(source))):
            match node:
                case ast.Attribute(attr=name) if name in methods:
                    yield node.lineno, f".{name}"
                case ast.Call(func=ast.Name(id=name)) if name in functions:
                    yield node.lineno, f"{name}()"
                case _:
                    pass


def _lines(graph: ImportGraph, importer: str, imported: str) -> list[int]:
    return [detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported)]


def _source(module: str) -> Path:
    """The file of a module that import-linter found, without importing anything but its finder."""
    root, *parts = module.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None or not spec.submodule_search_locations:
        message = f"{root} is not a package that can be found from {Path.cwd()}"
        raise FileNotFoundError(message)
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

"""Walks the models: which keys a table knows, and what is said of a key. Errors and the reference both ask it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from pydantic.fields import FieldInfo

from park.config.quantities import About, Section

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the file."""


def section_of(annotation: object) -> type[Section] | None:
    """The table type inside an annotation (`X | None`, `tuple[X, ...]`), or None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for inner in get_args(annotation):
        found = section_of(inner)
        if found is not None:
            return found
    return None


def is_list(field: FieldInfo) -> bool:
    """Whether the key is a list of tables, written `[[key]]`."""
    return str(field.annotation).startswith("tuple[")


def section_at(root: type[Section], path: Path) -> type[Section] | None:
    """The table type that holds the last key of the path."""
    section: type[Section] | None = root
    for part in path[:-1]:
        if isinstance(part, str):
            field = section.model_fields.get(part) if section is not None else None
            section = section_of(field.annotation) if field is not None else None
    return section


def field_at(root: type[Section], path: Path) -> FieldInfo | None:
    """The key a path ends in, list positions at its end left out."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    section = section_at(root, path)
    if section is None or not path:
        return None
    return section.model_fields.get(str(path[-1]))


def about(field: FieldInfo | None) -> About:
    """What is said of a key; empty for one nobody described."""
    metadata: Iterable[object] = field.metadata if field is not None else ()
    return next((each for each in metadata if isinstance(each, About)), About(""))

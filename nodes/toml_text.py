"""A TOML document as text: tables before what hangs on them, no comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, cast


def toml_text(document: Mapping[str, Any]) -> str:
    """What `tomllib` reads back as the same document. Keys at the top are tables or lists of tables."""
    return "\n".join(_tables(document)) + "\n"


def _tables(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if not isinstance(value, Mapping | list):
            yield f"{key} = {_value(value)}"
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield f"\n[{key}]"
            yield from _lines(cast("Mapping[str, Any]", value))
        elif isinstance(value, list):
            for table in cast("list[Mapping[str, Any]]", value):
                yield f"\n[[{key}]]"
                yield from _lines(table)


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=True)  # a basic string of TOML is one of JSON, written in ASCII
        case datetime() | date():
            return value.isoformat()
        case dict():
            pairs = cast("dict[str, object]", value)
            return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in pairs.items()) + " }"
        case list():
            return "[" + ", ".join(_value(each) for each in cast("list[object]", value)) + "]"
        case _:
            return repr(value)

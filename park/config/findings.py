"""What is wrong in a file, as a technician reads it: which key, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeAlias, cast

from msgspec import Struct
from pydantic_core import ErrorDetails

from park.config.quantities import Section
from park.config.schema import Path, about, field_at, section_at
from park.model.electric import PHASE_NAMES

Document: TypeAlias = Mapping[str, object]
"""A file as TOML gives it."""

_LONGEST_SHOWN = 60
_KINDS = {
    "string_type": "text in quotes",
    "int_type": "a whole number without quotes",
    "float_type": "a number without quotes",
    "bool_type": "true or false without quotes",
    "tuple_type": "a list in [ ]",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "datetime_type": "a moment without quotes, e.g. 2027-01-01T00:00:00Z",
    "timezone_aware": "a moment with offset, e.g. 2027-01-01T00:00:00Z",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


class Finding(Struct, frozen=True):
    """One mistake. `path`: where; `reason`: what is wrong; `remedy`: what to do."""

    path: Path
    reason: str
    remedy: str

    def text(self, source: str, document: Document) -> str:
        """`FILE: key: reason; remedy`, tables of a list shown by their names."""
        return f"{source}: {shown(self.path, document)}: {self.reason}; {self.remedy}"


def shown(path: Path, document: Document) -> str:
    """A path as text: `circuit[grid].limit_amps[L1]`; a table without a name of its own by its place, `circuit[#2]`."""
    text, here, key = "", cast("object", document), ""
    for part in path:
        if isinstance(part, str):
            key = part
            text += f".{part}" if text else part
            here = cast("Document", here).get(part) if isinstance(here, Mapping) else None
            continue
        siblings = cast("list[object]", here) if isinstance(here, list | tuple) else []
        here = siblings[part] if part < len(siblings) else None
        text += f"[{_place(part, here, siblings, key)}]"
    return text


def _place(position: int, table: object, siblings: Iterable[object], key: str) -> str:
    name = _name(table)
    if name and [_name(each) for each in siblings].count(name) == 1:
        return name
    if key.endswith("_amps") and position < len(PHASE_NAMES):
        return PHASE_NAMES[position]
    return f"#{position + 1}"


def _name(table: object) -> str:
    if not isinstance(table, Mapping):
        return ""
    keys = cast("Document", table)
    name = keys.get("name", keys.get("charge_point", ""))
    return name if isinstance(name, str) else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or the list of what is known."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is configured"


def explained(error: ErrorDetails, root: type[Section]) -> Finding:
    """A finding out of one of pydantic's errors."""
    path, kind = error["loc"], error["type"]
    unit = about(field_at(root, path)).unit
    value = _abridged(error["input"])
    if kind == "extra_forbidden":
        section = section_at(root, path)
        known = section.model_fields if section is not None else ()
        return Finding(path, "is not a known key", nearest(str(path[-1]), known))
    if kind == "missing":
        return Finding(path, "is missing", f"add it: {about(field_at(root, path)).text or 'a table'}".rstrip("."))
    if kind in _KINDS:
        return Finding(path, f"is {value}", f"write {_KINDS[kind]}")
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = f"{error.get('ctx', {}).get(key)} {unit}".strip()
        return Finding(path, f"is {value}, must be {words} {bound}", f"give a value of {words} {bound}")
    if kind == "literal_error":
        return _outside_choice(path, value, str(error.get("ctx", {}).get("expected", "")))
    reason, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
    return Finding(path, reason, remedy or f"it is {value}; correct it")


def _outside_choice(path: Path, value: str, expected: str) -> Finding:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    close = get_close_matches(value.strip("'"), choices, n=1, cutoff=0.6)
    hint = f"did you mean '{close[0]}'?" if close else f"choose one of {expected}"
    return Finding(path, f"is {value}, must be one of {expected}", hint)


def _abridged(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"

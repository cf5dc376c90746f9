"""Makes docs/configuration.md from the pydantic models, so that the reference and the checks cannot differ."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from park.config.node_config import NodeConfig
from park.config.quantities import Section
from park.config.schema import about, is_list, section_of
from park.metering.maps import MAPS

HEAD = """\
# Configuration

One TOML file per node; `chargepark check FILE` names every mistake with file, key, reason and remedy. `examples/`
holds a file for each role. This page is generated from the models in `park/config/` by
`python -m tools.gen_config_reference`; do not edit it.

* Keys not listed here are refused, values are never guessed: `"6"` is not a number, `6.0` is no whole number.
* Currents are amperes in steps of 0.1 A. Times are seconds. Moments carry an offset (`2027-01-01T00:00:00Z`).
* `[table]` stands at most once, `[[table]]` once for each thing.
* *Source*: a clause of a standard, a behaviour of [behaviours.md](behaviours.md) (`B-…`), or
  `design`, a choice of ours.

A charge point's full name is `NODE/CHARGE_POINT`. A board's file holds its hardware (`[[charge_point]]`, `[[meter]]`,
`[[reader]]`); the park's settings (`[[circuit]]`, `[[placement]]`, `[load]`, `[authorization]`, `[backend]`) stand on
the server, or in the one file of a single board.
"""
KINDS: dict[object, str] = {
    str: "text",
    bool: "true, false",
    int: "whole number",
    float: "number",
    AwareDatetime: "moment",
}


def render() -> str:
    """The whole page."""
    parts = [HEAD]
    for key, field in NodeConfig.model_fields.items():
        section = section_of(field.annotation)
        if section is not None:
            parts.extend(_table(f"[[{key}]]" if is_list(field) else f"[{key}]", section))
    parts.append("## Register maps\n")
    parts.extend(f"* `{name}`: {register_map.source}\n" for name, register_map in sorted(MAPS.items()))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _table(heading: str, section: type[Section]) -> Iterator[str]:
    yield f"## `{heading}`\n"
    yield f"{section.__doc__}\n"
    rows = ["| key | value | default | meaning | source |", "|---|---|---|---|---|"]
    rows.extend(_row(key, field) for key, field in section.model_fields.items())
    yield "\n".join(rows) + "\n"
    for key, field in section.model_fields.items():
        inner = section_of(field.annotation)
        if inner is not None:
            yield from _table(f"{heading.strip('[]')}.{key} = [{{ … }}]", inner)


def _row(key: str, field: FieldInfo) -> str:
    said = about(field)
    cells = (f"`{key}`", _value(field), _default(field), said.text, said.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(field: FieldInfo) -> str:
    bounds = _bounds([*field.metadata, *_inner_metadata(field.annotation)])
    unit = about(field).unit
    return " ".join(part for part in (_kind(field.annotation), bounds, unit) if part)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "absent"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, tuple):
        return f"`{list(field.default)}`"
    return f"`{field.default:g}`" if isinstance(field.default, int | float) else f'`"{field.default}"`'


def _kind(annotation: object) -> str:
    """What to write, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in {Union, types.UnionType}:
        return _kind(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        return f"list of {'tables' if section_of(annotation) else _counted(arguments)}"
    return KINDS[annotation]


def _counted(arguments: tuple[object, ...]) -> str:
    kind = _kind(arguments[0])
    return f"{kind}s" if arguments[-1] is Ellipsis else f"{len(arguments)} {kind}s"


def _inner_metadata(annotation: object) -> Iterator[object]:
    """Constraints inside an annotation: of `X | None`, and of the first of a list's values."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        for each in arguments[1:]:
            yield from each.metadata if isinstance(each, FieldInfo) else (each,)
        yield from _inner_metadata(arguments[0])
    elif get_origin(annotation) in {Union, types.UnionType, tuple} and section_of(annotation) is None:
        yield from _inner_metadata(next(each for each in arguments if each is not type(None)))


def _bounds(metadata: list[object]) -> str:
    low = high = ""
    for each in metadata:
        match each:
            case annotated_types.Ge(bound):
                low = f"{bound}"
            case annotated_types.Gt(bound):
                low = f"more than {bound}"
            case annotated_types.Le(bound):
                high = f"{bound}"
            case annotated_types.Lt(bound):
                high = f"less than {bound}"
            case _:
                pass
    return f"{low} to {high}" if low and high else low or high


if __name__ == "__main__":
    from pathlib import Path

    (Path(__file__).parent.parent / "docs/configuration.md").write_text(render(), encoding="utf-8")

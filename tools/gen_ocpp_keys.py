"""Makes docs/ocpp_keys.md from the registry, so that the page and the product cannot differ."""

from __future__ import annotations

from collections.abc import Iterator

from park.ocpp.keys import GROUPS, Access, Key, Kind, Scope

HEAD = """\
# Configuration keys

What a backend reads by GetConfiguration and changes by ChangeConfiguration, and people on site by `chargepark config
get` and `config set`. This page is generated from the registry in `park/ocpp/keys/`; do not edit it.

* A key that would change nothing here is not listed: it is unknown, and ChangeConfiguration answers `NotSupported`. A
  value out of range is `Rejected`. Case does not matter in names; booleans are understood as `true`, `false`, `1`, `0`.
* A change is on disk and in force before it is answered; it survives restarts and is kept with who made it, and when.
  Where a restart is needed the answer is `RebootRequired`.
* *Where*: `park`: one value. `point`: `Key` is the park's value, `Key[7]` that of connector 7, `Key[NODE]` that of a
  board; the narrower one holds. They are listed where they are set; an empty value takes one back. A board that is away
  hears of a change when it returns.
* *Also called*: other names of the same setting, answered when asked for by name; the list has each setting once.
* *File*: where the configuration file gives the default.
* *Source*: the clause of OCPP 1.6, a behaviour of [behaviours.md](behaviours.md) (`B-…`), a maker's table of keys, or
  `design`.
"""
ACCESS = {Access.READ: "R", Access.WRITE: "RW", Access.LOCAL: "R, on site RW", Access.HIDDEN: "W"}


def render() -> str:
    """The whole page."""
    tables = ("\n".join(_table(group.title, group.profile, group.keys)) for group in GROUPS if group.keys)
    return "\n".join((HEAD, *(f"{table}\n" for table in tables)))


def _table(title: str, profile: str, keys: tuple[Key, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"Feature profile {profile}.\n"
    yield "| key | value | default | access | where | meaning | also called | file | source |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for key in keys:
        yield _row(key)


def _row(key: Key) -> str:
    where = "point" if key.scope is Scope.POINT else "park"
    cells = (
        f"`{key.name}`",
        _value(key),
        f"`{key.default}`" if key.default else "",
        ACCESS[key.access] + (", restart" if key.restart else ""),
        where,
        key.about,
        ", ".join(f"`{alias.name}`" for alias in key.aliases),
        f"`{key.file}`" if key.file else "",
        key.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(key: Key) -> str:
    match key.kind:
        case Kind.NUMBER if key.access is Access.WRITE:
            return f"{'0 or ' if key.or_zero else ''}{key.least} to {key.most}"
        case Kind.CHOICE:
            return ", ".join(f"`{choice}`" for choice in key.choices or ())
        case Kind.LIST if key.choices:
            return "list of " + ", ".join(f"`{choice}`" for choice in key.choices)
        case Kind.TEXT if key.access is Access.WRITE:
            return f"text, {key.least} to {key.most}"
        case _:
            return key.kind.value

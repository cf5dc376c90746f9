"""Whether names are given once, lead somewhere, and the circuits form one tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from park.authorization.settings import EVERY_CHARGE_POINT
from park.config.findings import Document, Finding, nearest
from park.config.node_config import NodeConfig
from park.config.schema import Path
from park.metering.maps import MAPS


def duplicates(config: NodeConfig) -> Iterator[Finding]:
    for table in ("circuit", "meter", "reader", "charge_point"):
        yield from _repeated((((table, n, "name"), each.name) for n, each in enumerate(getattr(config, table))), "name")
    placed = ((("placement", n, "charge_point"), each.charge_point) for n, each in enumerate(config.placement))
    yield from _repeated(placed, "charge point")
    connectors = [(("charge_point", n, "connector"), each.connector) for n, each in enumerate(config.charge_point)]
    connectors += [(("placement", n, "connector"), each.connector) for n, each in enumerate(config.placement)]
    yield from _repeated(((path, number) for path, number in connectors if number is not None), "connector id")
    whitelist = config.authorization.whitelist
    tags = ((("authorization", "whitelist", n, "tag"), each.tag.casefold()) for n, each in enumerate(whitelist))
    yield from _repeated(tags, "id tag")
    own = ((("charge_point", n, "meter"), each.meter) for n, each in enumerate(config.charge_point))
    yield from _repeated(((path, meter) for path, meter in own if meter is not None), "own meter")
    units = ((("meter", n, "unit"), f"{each.address} unit {each.unit}") for n, each in enumerate(config.meter))
    yield from _repeated(units, "device")


def _repeated(entries: Iterable[tuple[Path, str | int]], what: str) -> Iterator[Finding]:
    listed = list(entries)
    counts = Counter(value for _, value in listed)
    seen: set[str | int] = set()
    for path, value in listed:
        if value in seen:
            yield Finding(path, f"{value!r} is the {what} of {counts[value]} tables", "give each its own")
        seen.add(value)


def references(config: NodeConfig, document: Document) -> Iterator[Finding]:
    circuits, meters = names(document, "circuit"), names(document, "meter")
    points = names(document, "charge_point")
    placements = {each.charge_point for each in config.placement}
    for n, circuit in enumerate(config.circuit):
        yield from _unknown(("circuit", n, "parent"), circuit.parent, circuits, "circuit")
        yield from _unknown(("circuit", n, "meter"), circuit.meter, meters, "meter")
    for n, point in enumerate(config.charge_point):
        yield from _unknown(("charge_point", n, "circuit"), point.circuit, circuits, "circuit")
        yield from _unknown(("charge_point", n, "meter"), point.meter, meters, "meter")
    for n, placement in enumerate(config.placement):
        yield from _unknown(("placement", n, "circuit"), placement.circuit, circuits, "circuit")
    for n, meter in enumerate(config.meter):
        yield from _unknown(("meter", n, "map"), meter.map, MAPS, "register map")
    yield from _limited(config, circuits, points)
    own = {f"{config.node.name}/{point}" for point in points}
    for n, each in enumerate(config.authorization_input):
        place = ("authorization_input", n, "charge_point")
        yield from _unknown(place, each.charge_point, points | own | placements, "charge point")
    known = {EVERY_CHARGE_POINT} | points | own | placements
    for n, reader in enumerate(config.reader):
        for m, served in enumerate(reader.serves):
            elsewhere = config.node.role == "client" and "/" in served and not served.startswith(f"{config.node.name}/")
            if not elsewhere:
                yield from _unknown(("reader", n, "serves", m), served, known, "charge point")


def _limited(config: NodeConfig, circuits: set[str], points: set[str]) -> Iterator[Finding]:
    """Time tables and inputs name one thing that is there."""
    known = points | {f"{config.node.name}/{point}" for point in points} | {e.charge_point for e in config.placement}
    tables = [(("timetable", n), each) for n, each in enumerate(config.timetable)]
    tables += [(("input", n), each) for n, each in enumerate(config.input)]
    for path, each in tables:
        if (each.circuit is None) == (each.charge_point is None):
            missing = each.circuit is None
            reason = "is missing, and there is no charge_point" if missing else "stands beside charge_point"
            yield Finding((*path, "circuit"), reason, "name one of them: what is to be limited")
        yield from _unknown((*path, "circuit"), each.circuit, circuits, "circuit")
        yield from _unknown((*path, "charge_point"), each.charge_point, known, "charge point")
    boards = {config.node.name} | {each.charge_point.partition("/")[0] for each in config.placement}
    for n, each in enumerate(config.input):
        yield from _unknown(("input", n, "node"), each.node, boards, "board with a placement")


def _unknown(path: Path, name: str | None, known: Iterable[str], what: str) -> Iterator[Finding]:
    if name is not None and name not in known:
        yield Finding(path, f"there is no {what} {name!r}", nearest(name, known))


def names(document: Document, table: str) -> set[str]:
    """Names of all tables of a list, those with mistakes included: a reference to them is no mistake of its own."""
    tables = document.get(table)
    entries = cast("list[object]", tables) if isinstance(tables, list) else []
    names = (cast("Document", each).get("name") for each in entries if isinstance(each, Mapping))
    return {name for name in names if isinstance(name, str)}


def tree(config: NodeConfig, document: Document) -> Iterator[Finding]:
    parents = {circuit.name: circuit.parent for circuit in config.circuit}
    complete = len(names(document, "circuit")) == len(parents)
    roots = [n for n, circuit in enumerate(config.circuit) if circuit.parent is None]
    for n in roots[1:]:
        remedy = f"give it a parent, for instance {config.circuit[roots[0]].name!r}"
        yield Finding(("circuit", n, "parent"), "is missing, and there is a grid connection already", remedy)
    if config.circuit and complete and not roots:
        yield Finding(("circuit",), "no circuit is the grid connection", "leave out the parent of exactly one")
    for n, circuit in enumerate(config.circuit):
        seen: list[str] = [circuit.name]
        here: str | None = circuit.parent
        while here is not None and here not in seen:
            seen.append(here)
            here = parents.get(here)
        if here is not None and here == circuit.name:
            chain = " → ".join((*seen, circuit.name))
            yield Finding(
                ("circuit", n, "parent"), f"the circuits form a ring: {chain}", "let one hang on the grid side"
            )

"""What must hold between the keys of a file: roles, names, references, amounts, addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import TypeAlias, cast
from urllib.parse import urlsplit

from park.authorization.settings import EVERY_CHARGE_POINT
from park.config.board import Role
from park.config.devices import ChargePointSection
from park.config.electrical import CircuitSection, PlacementSection
from park.config.findings import Document, Finding, nearest
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint, endpoint, tcp_endpoint
from park.metering.maps import MAPS

Findings: TypeAlias = Iterator[Finding]

NEEDED: Mapping[Role, tuple[str, ...]] = {
    "single": ("park", "circuit", "charge_point"),
    "server": ("park", "circuit"),
    "client": ("server", "charge_point"),
}
OUT_OF_PLACE: Mapping[Role, tuple[str, ...]] = {
    "single": ("server", "placement", "pairing"),
    "server": ("server",),
    "client": ("park", "load", "authorization", "backend", "circuit", "placement", "pairing"),
}
LISTENS: Mapping[Role, tuple[str, ...]] = {
    "single": ("energy", "metrics"),
    "server": ("boards", "energy", "metrics"),
    "client": ("metrics",),
}
SET_BY_PLACEMENT = ("connector", "circuit", "wiring", "priority", "weight")
VIRTUAL = "virtual"


def check(config: NodeConfig, document: Document) -> tuple[Finding, ...]:
    """All that is wrong between the keys. `document`: the whole file, of which `config` may lack tables with mistakes.

    Not here: whether boot and lapse currents fit the fuses (`park.load`).
    """
    return (
        *_roles(config, document),
        *_duplicates(config),
        *_references(config, document),
        *_tree(config, document),
        *_currents(config),
        *_times(config),
        *_addresses(config),
        *_backend(config, document),
    )


# ---------------------------------------------------------------- roles


def _roles(config: NodeConfig, document: Document) -> Findings:
    role = config.node.role
    for key in NEEDED[role]:
        if not document.get(key):
            yield Finding((key,), f"is missing, and role {role} needs it", f"add [{key}] or change node.role")
    for key in OUT_OF_PLACE[role]:
        if key in document:
            remedy = "move it to the server's file" if role == "client" else "remove it or change node.role"
            yield Finding((key,), f"has no meaning for role {role}", remedy)
    for key in sorted(config.listen.model_fields_set - set(LISTENS[role])):
        if getattr(config.listen, key):
            yield Finding(("listen", key), f"is not opened by role {role}", "remove it or change node.role")
    for path, point in _places("charge_point", config.charge_point, document):
        yield from _placed_here(path, point, role)
    virtual = [("charge_point", each.driver) for each in config.charge_point]
    virtual += [("reader", each.driver) for each in config.reader]
    if any(driver == VIRTUAL for _, driver in virtual) and "bench" not in document:
        yield Finding(("bench",), "is missing, and virtual hardware needs it", "add [bench] with address HOST:PORT")
    if role == "client" and config.server and not config.server.address and not config.discovery.enabled:
        yield Finding(
            ("server", "address"), "is empty, and discovery is off", "give HOST:PORT or set discovery.enabled"
        )


def _placed_here(path: tuple[str | int, ...], point: ChargePointSection, role: Role) -> Findings:
    if role == "client":
        for key in SET_BY_PLACEMENT:
            if key in point.model_fields_set:
                yield Finding((*path, key), "is set by the server", "move it to the server's [[placement]]")
        return
    for key in ("connector", "circuit"):
        if getattr(point, key) is None:
            yield Finding((*path, key), f"is missing, and role {role} needs it", "add it")


# ---------------------------------------------------------------- names


def _duplicates(config: NodeConfig) -> Findings:
    for table in ("circuit", "meter", "reader", "charge_point"):
        yield from _repeated((((table, n, "name"), each.name) for n, each in enumerate(getattr(config, table))), "name")
    placed = ((("placement", n, "charge_point"), each.charge_point) for n, each in enumerate(config.placement))
    yield from _repeated(placed, "charge point")
    connectors = [(("charge_point", n, "connector"), each.connector) for n, each in enumerate(config.charge_point)]
    connectors += [(("placement", n, "connector"), each.connector) for n, each in enumerate(config.placement)]
    yield from _repeated(((path, number) for path, number in connectors if number is not None), "connector id")
    tags = (
        (("authorization", "whitelist", n, "tag"), each.tag.casefold()) for n, each in enumerate(_whitelist(config))
    )
    yield from _repeated(tags, "id tag")
    own = ((("charge_point", n, "meter"), each.meter) for n, each in enumerate(config.charge_point))
    yield from _repeated(((path, meter) for path, meter in own if meter is not None), "own meter")
    units = ((("meter", n, "unit"), f"{each.address} unit {each.unit}") for n, each in enumerate(config.meter))
    yield from _repeated(units, "device")


def _repeated(entries: Iterable[tuple[tuple[str | int, ...], str | int]], what: str) -> Findings:
    listed = list(entries)
    counts = Counter(value for _, value in listed)
    seen: set[str | int] = set()
    for path, value in listed:
        if value in seen:
            yield Finding(path, f"{value!r} is the {what} of {counts[value]} tables", "give each its own")
        seen.add(value)


def _whitelist(config: NodeConfig) -> tuple[object, ...]:
    return config.authorization.whitelist


# ---------------------------------------------------------------- references


def _references(config: NodeConfig, document: Document) -> Findings:
    circuits, meters = _names(document, "circuit"), _names(document, "meter")
    points = _names(document, "charge_point")
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
    own = {f"{config.node.name}/{point}" for point in points}
    known = {EVERY_CHARGE_POINT} | points | own | placements
    for n, reader in enumerate(config.reader):
        for m, served in enumerate(reader.serves):
            elsewhere = config.node.role == "client" and "/" in served and not served.startswith(f"{config.node.name}/")
            if not elsewhere:
                yield from _unknown(("reader", n, "serves", m), served, known, "charge point")


def _unknown(path: tuple[str | int, ...], name: str | None, known: Iterable[str], what: str) -> Findings:
    if name is not None and name not in known:
        yield Finding(path, f"there is no {what} {name!r}", nearest(name, known))


def _names(document: Document, table: str) -> set[str]:
    """Names of all tables of a list, those with mistakes included: a reference to them is no mistake of its own."""
    tables = document.get(table)
    entries = cast("list[object]", tables) if isinstance(tables, list) else []
    names = (cast("Document", each).get("name") for each in entries if isinstance(each, Mapping))
    return {name for name in names if isinstance(name, str)}


def _tree(config: NodeConfig, document: Document) -> Findings:
    parents = {circuit.name: circuit.parent for circuit in config.circuit}
    complete = len(_names(document, "circuit")) == len(parents)
    roots = [n for n, circuit in enumerate(config.circuit) if circuit.parent is None]
    for n in roots[1:]:
        remedy = f"give it a parent, for instance {config.circuit[roots[0]].name!r}"
        yield Finding(("circuit", n, "parent"), "is missing, and there is a grid connection already", remedy)
    if config.circuit and complete and not roots:
        yield Finding(("circuit",), "no circuit is the grid connection", "leave out the parent of exactly one")
    for n, circuit in enumerate(config.circuit):
        seen, here = [circuit.name], circuit.parent
        while here is not None and here not in seen:
            seen.append(here)
            here = parents.get(here)
        if here == circuit.name:
            chain = " → ".join([*seen, here])
            yield Finding(
                ("circuit", n, "parent"), f"the circuits form a ring: {chain}", "let one hang on the grid side"
            )


# ---------------------------------------------------------------- amounts


def _currents(config: NodeConfig) -> Findings:
    for n, point in enumerate(config.charge_point):
        yield from _bounds(("charge_point", n), point)
        if point.cable_amps is not None and point.outlet == "socket":
            remedy = 'remove it or set outlet = "cable"'
            yield Finding(("charge_point", n, "cable_amps"), "a socket has no cable of its own", remedy)
        if point.cable_amps is not None and point.cable_amps < point.min_amps:
            reason = f"is {point.cable_amps:g} A, below min_amps {point.min_amps:g} A"
            yield Finding(("charge_point", n, "cable_amps"), reason, "lower min_amps or correct the rating")
    for n, placement in enumerate(config.placement):
        yield from _bounds(("placement", n), placement)
    for n, circuit in enumerate(config.circuit):
        yield from _circuit(("circuit", n), circuit)


def _bounds(path: tuple[str | int, ...], point: ChargePointSection | PlacementSection) -> Findings:
    if point.min_amps > point.max_amps:
        reason = f"is {point.min_amps:g} A, above max_amps {point.max_amps:g} A"
        yield Finding((*path, "min_amps"), reason, "lower it or raise max_amps")
        return
    for key in ("fallback_amps", "boot_amps"):
        amperes = getattr(point, key)
        if amperes != 0 and not point.min_amps <= amperes <= point.max_amps:
            reason = f"is {amperes:g} A, outside min_amps to max_amps"
            remedy = f"give 0 or {point.min_amps:g} to {point.max_amps:g} A"
            yield Finding((*path, key), reason, remedy)


def _circuit(path: tuple[str | int, ...], circuit: CircuitSection) -> Findings:
    if circuit.headroom_amps >= min(circuit.limit_amps):
        reason = f"is {circuit.headroom_amps:g} A and leaves nothing of limit_amps"
        yield Finding((*path, "headroom_amps"), reason, "lower it")
    if circuit.meter is not None and "external_fallback_amps" not in circuit.model_fields_set:
        reason = f"is missing; without it nothing would be assumed while meter {circuit.meter!r} is silent"
        yield Finding(
            (*path, "external_fallback_amps"), reason.replace(";", ","), "give the largest load of L1, L2, L3"
        )


def _times(config: NodeConfig) -> Findings:
    load = config.load
    if 2 * load.renew_seconds > load.lease_seconds:
        reason = f"is {load.renew_seconds:g} s, more than half of lease_seconds {load.lease_seconds:g} s"
        yield Finding(("load", "renew_seconds"), reason, "lower it, so that one lost renewal ends no grant")
    for n, meter in enumerate(config.meter):
        if meter.stale_after_seconds <= meter.poll_seconds:
            reason = f"is {meter.stale_after_seconds:g} s, not more than poll_seconds {meter.poll_seconds:g} s"
            yield Finding(("meter", n, "stale_after_seconds"), reason, "give at least three polls")


# ---------------------------------------------------------------- addresses


def _addresses(config: NodeConfig) -> Findings:
    taken: list[tuple[tuple[str | int, ...], Endpoint]] = [
        (("listen", key), place) for key, place in config.listeners.items()
    ]
    for (first, place), (second, other) in combinations(taken, 2):
        if place.conflicts_with(other):
            reason = f"{other} is used by {'.'.join(map(str, first))} already"
            yield Finding(second, reason, "give each its own port")
    remote: list[tuple[tuple[str | int, ...], Endpoint]] = [
        (("meter", n, "address"), tcp_endpoint(each.address)) for n, each in enumerate(config.meter)
    ]
    if config.bench is not None:
        remote.append((("bench", "address"), endpoint(config.bench.address)))
    for path, place in remote:
        for key, own in taken:
            if place == own:
                yield Finding(path, f"{place} is where {'.'.join(map(str, key))} listens", "give each its own port")


# ---------------------------------------------------------------- backend


def _backend(config: NodeConfig, document: Document) -> Findings:
    if config.authorization.mode == "backend" and "backend" not in document and config.node.role != "client":
        remedy = "add [backend] with url and identity, or set authorization.mode"
        yield Finding(("backend",), "is missing, and authorization.mode is backend", remedy)
    backend = config.backend
    if backend is None:
        return
    url = urlsplit(backend.url)
    if backend.identity in url.path.split("/"):
        reason = f"holds the identity {backend.identity!r}, which is appended on connecting"
        yield Finding(("backend", "url"), reason, "remove the identity from the URL")
    needs_tls = backend.security_profile >= 2  # noqa: PLR2004 profiles 2 and 3 are TLS (security white paper §3)
    if needs_tls and url.scheme == "ws":
        remedy = "use wss:// or a lower profile"
        yield Finding(("backend", "security_profile"), f"is {backend.security_profile}, but url is ws://", remedy)
    if backend.security_profile == 1 and url.scheme == "wss":
        yield Finding(("backend", "security_profile"), "is 1, which is without TLS, but url is wss://", "set it to 2")
    if backend.security_profile in {1, 2} and not backend.password_file:
        reason = f"is empty, but security_profile {backend.security_profile} needs a password"
        yield Finding(("backend", "password_file"), reason, "name the file that holds it")

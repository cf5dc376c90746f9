"""Whether a file has what its role needs, and nothing that only another role obeys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from park.config.board import Role
from park.config.devices import ChargePointSection
from park.config.findings import Document, Finding
from park.config.node_config import LISTENS, NodeConfig
from park.config.schema import Path

NEEDED: Mapping[Role, tuple[str, ...]] = {
    "single": ("park", "circuit", "charge_point"),
    "server": ("park", "circuit"),
    "client": ("server", "charge_point"),
}
OUT_OF_PLACE: Mapping[Role, tuple[str, ...]] = {
    "single": ("server", "placement", "group", "pairing"),
    "server": ("server",),
    "client": (
        "above",
        "park",
        "load",
        "authorization",
        "authorization_input",
        "backend",
        "circuit",
        "timetable",
        "input",
        "solar",
        "placement",
        "group",
        "pairing",
    ),
}
SET_BY_PLACEMENT = ("connector", "circuit", "wiring", "priority", "weight", "expired_limit_amps")
VIRTUAL = "virtual"


def roles(config: NodeConfig, document: Document) -> Iterator[Finding]:
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
    for n, point in enumerate(config.charge_point):
        yield from _placed_here(("charge_point", n), point, role)
    for n, reader in enumerate(config.reader):
        if role == "client" and reader.defaults_tags:
            place = ("reader", n, "defaults_tags")
            yield Finding(place, "has no meaning for role client", "the keys stand on the server: use a reader there")
    drivers = {each.driver for each in (*config.charge_point, *config.reader)}
    if VIRTUAL in drivers and "bench" not in document:
        yield Finding(("bench",), "is missing, and virtual hardware needs it", "add [bench] with address HOST:PORT")
    if role == "client" and config.server and not config.server.address and not config.discovery.enabled:
        yield Finding(
            ("server", "address"), "is empty, and discovery is off", "give HOST:PORT or set discovery.enabled"
        )


def _placed_here(path: Path, point: ChargePointSection, role: Role) -> Iterator[Finding]:
    if role == "client":
        for key in SET_BY_PLACEMENT:
            if key in point.model_fields_set:
                yield Finding((*path, key), "is set by the server", "move it to the server's [[placement]]")
        return
    for key in ("connector", "circuit"):
        if getattr(point, key) is None:
            yield Finding((*path, key), f"is missing, and role {role} needs it", "add it")

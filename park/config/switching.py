"""A node's file for another role: what only the old role obeys goes, what the new one cannot do without comes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from park.config.board import Role
from park.config.node_config import LISTENS
from park.config.roles import OUT_OF_PLACE, SET_BY_PLACEMENT

Tables = dict[str, Any]
"""A TOML document: tables, lists of tables and values, as `tomllib` reads them."""


def switched(document: Mapping[str, Any], role: Role, park: str = "", server: str = "") -> Tables:
    """The document for `role`; what is still missing (a circuit, a connector) is found by `check`.

    `park`: its name, else the one it has led or joined. `server`: HOST:PORT, else discovery is switched on.
    """
    made: Tables = deepcopy(dict(document))
    name = park or _park_of(document)
    made["node"] = {**made.get("node", {}), "role": role}
    for key in OUT_OF_PLACE[role]:
        made.pop(key, None)
    if "listen" in made:
        made["listen"] = {key: where for key, where in made["listen"].items() if key in LISTENS[role]}
    if role == "client":
        made["server"] = _joined(made.get("server", {}), name, server)
        made["charge_point"] = [_unplaced(point) for point in made.get("charge_point", [])]
    elif name:
        made["park"] = {**made.get("park", {}), "name": name}
    if role == "server" or (role == "client" and not made["server"].get("address")):
        made["discovery"] = {**made.get("discovery", {}), "enabled": True}
    return made


def placements_of(document: Mapping[str, Any]) -> list[Tables]:
    """What the charge points of this node's file become in the file of the server it joins."""
    node = document.get("node", {}).get("name", "")
    return [
        {"charge_point": f"{node}/{point.get('name', '')}"}
        | {key: point[key] for key in SET_BY_PLACEMENT if key in point}
        for point in document.get("charge_point", [])
    ]


def _park_of(document: Mapping[str, Any]) -> str:
    led, joined = document.get("park", {}), document.get("server", {})
    return str(led.get("name") or joined.get("park") or "")


def _joined(section: Tables, park: str, server: str) -> Tables:
    joined = {**section, "park": park or section.get("park", "")}
    return joined | {"address": server} if server else joined


def _unplaced(point: Tables) -> Tables:
    return {key: value for key, value in point.items() if key not in SET_BY_PLACEMENT}

"""Boards as DNS-SD shows them, for tests: what is not said is ordinary."""

from __future__ import annotations

from park.discovery.sightings import Heard

PARK = "carpark"


def record(
    node: str = "bay-a", role: str = "client", park: str = PARK, **more: str | None
) -> dict[bytes, bytes | None]:
    """`more`: further keys, or None to leave one out."""
    keys: dict[str, str | None] = {"park": park, "node": node, "role": role, "proto": "1", "fp": ""}
    return {key.encode(): value.encode() for key, value in (keys | more).items() if value is not None}


def heard(
    node: str = "bay-a",
    role: str = "client",
    park: str = PARK,
    *,
    instance: str = "",
    address: str = "192.0.2.7",
    port: int = 7070,
    at: float = 1.0,
    **more: str | None,
) -> Heard:
    return Heard(instance or f"{node}@{park}", record(node, role, park, **more), (address,), port, at)

"""A placement on a board's disk: what the server said of a charge point, for a start without the server."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec.structs import asdict, fields, replace

from park.exchange.messages import OfferedPoint
from park.model.alarm import Alarm
from park.model.placement import Placed
from park.model.storage import Row

PLACED_TABLE = "placed"


def fitted(placed: Placed, point: OfferedPoint) -> Placed:
    """The placement within what the hardware can do."""
    return replace(
        placed,
        phases=min(point.phases, placed.phases),
        minimum_ma=max(point.minimum_ma, placed.minimum_ma),
        maximum_ma=min(point.maximum_ma, placed.maximum_ma),
    )


def nowhere(point: OfferedPoint) -> Placed:
    """For a charge point nobody counts: it signals nothing, whatever it was told before (safety §3)."""
    return Placed(point.name, 0, "", "unknown", point.phases, point.minimum_ma, point.maximum_ma, 0, 0)


def placed_body(placed: Placed) -> str:
    return json.dumps(asdict(placed), separators=(",", ":"))


def placed_of(rows: Iterable[Row]) -> tuple[dict[str, Placed], tuple[Alarm, ...]]:
    """Placements by charge point, and an alarm for each row that cannot be read; such a point is as if never placed."""
    found: dict[str, Placed] = {}
    alarms: list[Alarm] = []
    names = {field.name for field in fields(Placed)}
    for row in rows:
        try:
            body = json.loads(row.body)
            placed = Placed(**{name: body[name] for name in names})
        except (ValueError, KeyError, TypeError) as error:
            text = f"placement of {row.key} cannot be read ({error}): it takes no session until the server is heard"
            alarms.append(Alarm("placement-unreadable", text))
            continue
        found[row.key] = placed
    return found, tuple(alarms)


def voice_of(body: str) -> tuple[int, str] | None:
    """(epoch, server id) as it was kept; None: not one of ours."""
    try:
        epoch, server_id = json.loads(body)
    except (ValueError, TypeError):
        return None
    return (epoch, server_id) if isinstance(epoch, int) and isinstance(server_id, str) else None

"""Reservations on disk, by their number."""

from __future__ import annotations

import json
from typing import TypedDict, cast

from park.model.reservation import Reservation
from park.model.storage import Delete, Put
from park.ocpp.rows import Rows
from park.ocpp.wire import instant, iso

TABLE = "reservations"


class _Row(TypedDict):
    charge_point: str
    id_tag: str
    parent_tag: str | None
    expires: str


def put(rows: Rows, held: Reservation) -> Put:
    row: _Row = {
        "charge_point": held.charge_point,
        "id_tag": held.id_tag,
        "parent_tag": held.parent_tag,
        "expires": iso(held.expires),
    }
    return Put(TABLE, rows.key(str(held.number)), json.dumps(row, separators=(",", ":")))


def delete(rows: Rows, number: int) -> Delete:
    return Delete(TABLE, rows.key(str(number)))


def reservation_of(key: str, body: str) -> Reservation:
    row = cast("_Row", json.loads(body))
    expires = instant(row["expires"])
    if expires is None:
        raise ValueError(f"{row['expires']!r} is no time")
    return Reservation(int(key), row["charge_point"], row["id_tag"], row["parent_tag"], expires)

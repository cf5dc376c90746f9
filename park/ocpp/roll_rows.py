"""The row of a roll: a firmware on its way round the boards of the park."""

from __future__ import annotations

import json
from typing import TypedDict, cast

from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.rows import Rows
from park.ocpp.uploads import MAINTENANCE
from park.ocpp.wire import instant, iso
from park.rolling.roll import Board, Place, Roll

ROLL = "roll"  # key of the row


class _RollRow(TypedDict):
    update: str
    path: str
    size: int
    sha256: str
    certificate: str
    signature: str
    boards: list[tuple[str, str, str]]
    until: str
    turn: int


def put(rows: Rows, roll: Roll) -> Put:
    row: _RollRow = {
        "update": roll.update,
        "path": roll.path,
        "size": roll.size,
        "sha256": roll.sha256,
        "certificate": roll.certificate,
        "signature": roll.signature,
        "boards": [(board.name, board.place.value, board.why) for board in roll.boards],
        "until": iso(roll.until),
        "turn": roll.turn,
    }
    return rows.put(MAINTENANCE, ROLL, json.dumps(row, separators=(",", ":")))


def delete(rows: Rows) -> Delete:
    return rows.delete(MAINTENANCE, ROLL)


def roll_of(body: str, now: Now) -> Roll | None:
    """None when there is none, or the row cannot be read: the update has failed, the backend may order it again."""
    try:
        row = cast("_RollRow", json.loads(body))
        until = instant(row["until"])
        boards = tuple(Board(str(name), Place(place), str(why), now.mono) for name, place, why in row["boards"])
        if until is None:
            return None
        return Roll(
            str(row["update"]),
            str(row["path"]),
            int(row["size"]),
            str(row["sha256"]),
            str(row["certificate"]),
            str(row["signature"]),
            boards,
            until,
            int(row["turn"]),
            began=now.mono,
        )
    except (ValueError, KeyError, TypeError):
        return None

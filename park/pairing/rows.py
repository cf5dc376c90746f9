"""Boards and tokens as rows: a token is kept as the hash of its secret only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from park.model.alarm import Alarm
from park.model.storage import Put, Row
from park.model.time import Now
from park.pairing.events import IssuedToken, PairedBoard

BOARDS = "boards_paired"
TOKENS = "pairing_tokens"
TABLES = (BOARDS, TOKENS)


def board_row(board: PairedBoard) -> Put:
    body = {
        "node": board.node,
        "since": board.since.isoformat(),
        "why": board.why,
        "serial": board.serial,
        "until": _moment(board.until),
        "revoked_at": _moment(board.revoked_at),
    }
    return Put(BOARDS, board.fingerprint, json.dumps(body, separators=(",", ":")))


def token_row(token: IssuedToken) -> Put:
    body = {
        "node": token.node,
        "replace": token.replace,
        "made": token.made.isoformat(),
        "expires": token.expires.isoformat(),
        "spent_by": token.spent_by,
    }
    return Put(TOKENS, token.digest, json.dumps(body, separators=(",", ":")))


def read(rows: Iterable[Row], now: Now) -> tuple[list[PairedBoard], list[IssuedToken], list[Alarm]]:
    """What the rows say; one that cannot be read admits nobody and raises an alarm."""
    boards: list[PairedBoard] = []
    tokens: list[IssuedToken] = []
    alarms: list[Alarm] = []
    for row in rows:
        try:
            body = cast("dict[str, Any]", json.loads(row.body))
            if row.table == BOARDS:
                boards.append(_board(row.key, body))
            else:
                tokens.append(_token(row.key, body, now))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            alarms.append(_unreadable(row, error))
    return boards, tokens, alarms


def _board(fingerprint: str, body: dict[str, Any]) -> PairedBoard:
    return PairedBoard(
        str(body["node"]),
        fingerprint,
        datetime.fromisoformat(body["since"]),
        str(body["why"]),
        str(body["serial"]),
        _moment_of(body["until"]),
        _moment_of(body["revoked_at"]),
    )


def _token(digest: str, body: dict[str, Any], now: Now) -> IssuedToken:
    """A clock that stands before the token was made says nothing about its age: it has expired then."""
    made, expires = datetime.fromisoformat(body["made"]), datetime.fromisoformat(body["expires"])
    left = expires - now.wall if made <= now.wall else timedelta(0)
    deadline = now.mono + max(0.0, left.total_seconds())
    return IssuedToken(digest, str(body["node"]), body["replace"] is True, made, expires, deadline, body["spent_by"])


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _unreadable(row: Row, error: Exception) -> Alarm:
    text = f"row {row.key[:16]} of table {row.table} cannot be read ({error}); nobody is admitted by it: pair again"
    return Alarm("pairing-row-unreadable", text)

"""What the backend's ledger says beyond its transactions: frames that came again, and facts of boards it never got."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from park.journal.codec import Entry, entry_of
from park.journal.journal import TABLE
from park.model.session import SessionEnded, SessionFact, SessionMetered, SessionStarted
from park.ocpp.wire import iso

REPEATS = """
SELECT (SELECT COUNT(*) FROM received)
     - (SELECT COUNT(*) FROM (SELECT DISTINCT action, transaction_id, payload FROM received))
"""


def wire_repeats(ledger: Path) -> int:
    """Transaction messages that were on the wire before: starts, readings and stops."""
    with closing(sqlite3.connect(ledger)) as connection:
        return int(connection.execute(REPEATS).fetchone()[0])


def journal(database: Path) -> list[Entry]:
    """What a board that no longer runs has on its disk."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT key, body FROM rows WHERE tab = ? ORDER BY key", (TABLE,)).fetchall()
    return [entry_of("", key, body) for key, body in rows]


def undelivered(ledger: Path, facts: Iterable[SessionFact]) -> list[SessionFact]:
    """Facts of a board the backend never got with their time, and with their reading where they have one."""
    with closing(sqlite3.connect(ledger)) as connection:
        received = {
            _mark(action, json.loads(payload))
            for action, payload in connection.execute("SELECT action, payload FROM received")
        }
    return [fact for fact in facts if _expected(fact) not in received]


def _mark(action: str, payload: dict[str, object]) -> tuple[object, ...]:
    match action:
        case "StartTransaction":
            return (action, payload["connectorId"], payload["timestamp"], payload["meterStart"])
        case "StopTransaction":
            return (action, payload["timestamp"], payload["meterStop"])
        case _:
            values = payload["meterValue"]
            assert isinstance(values, list)
            return (action, payload["connectorId"], values[0]["timestamp"])


def _expected(fact: SessionFact) -> tuple[object, ...]:
    match fact:
        case SessionStarted():
            return ("StartTransaction", fact.connector, iso(fact.at), fact.meter_start_wh)
        case SessionMetered():
            return ("MeterValues", fact.connector, iso(fact.at))
        case SessionEnded():
            return ("StopTransaction", iso(fact.at), fact.meter_stop_wh)

"""What the embedded backend received, on disk before it answers: every start, stop and reading, repeats included."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, identity TEXT NOT NULL, action TEXT NOT NULL, unique_id TEXT NOT NULL,
    transaction_id INTEGER, payload TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started_at TEXT NOT NULL, meter_start INTEGER NOT NULL,
    UNIQUE (identity, connector, id_tag, started_at, meter_start)
);
CREATE TABLE IF NOT EXISTS violations (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, identity TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS received_of_transaction ON received (transaction_id);
"""
FIRST_TRANSACTION = 1_000  # ours: told apart from connector ids at a glance

Payload = Mapping[str, object]


class LedgerTransaction(Struct, frozen=True):
    """One session as the backend counts it: by (identity, connector, id tag, start time, meter start) (D1).

    `starts`, `stops`: frames on the wire; `different_stops`: stops that differ in time, meter or reason (at most 1 is
    right). `readings`: different MeterValues payloads; `order_kept`: start, readings, stop came
    in this order, repeats aside.
    """

    identity: str
    connector: int
    id_tag: str
    started_at: str
    meter_start: int
    transaction_id: int
    starts: int
    stops: int
    different_stops: int
    readings: int
    meter_stop: int | None
    stop_reason: str | None
    order_kept: bool

    @property
    def wire_repeats(self) -> int:
        """Starts and stops on the wire beyond the first."""
        return self.starts - 1 + max(self.stops - 1, 0)

    @property
    def energy_wh(self) -> int | None:
        return None if self.meter_stop is None else self.meter_stop - self.meter_start


class LedgerEntry(Struct, frozen=True):
    """One start or stop as it was received. `at`: the backend's clock, ISO 8601."""

    at: str
    action: str
    transaction_id: int | None
    payload: Payload


class Ledger:
    """One SQLite file; a row is on disk (synchronous=FULL) when a method returns. Others may read meanwhile."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def start(self, at: str, identity: str, unique_id: str, payload: Payload) -> int:
        """Record a StartTransaction; the same connector, tag, time and meter give the same transaction id."""
        key = (identity, payload["connectorId"], payload["idTag"], payload["timestamp"], payload["meterStart"])
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT OR IGNORE INTO transactions (id, identity, connector, id_tag, started_at, meter_start) VALUES "
                "((SELECT COALESCE(MAX(id), ?) + 1 FROM transactions), ?, ?, ?, ?, ?)",
                (FIRST_TRANSACTION, *key),
            )
            found = self._connection.execute(
                "SELECT id FROM transactions WHERE (identity, connector, id_tag, started_at, meter_start) "
                "= (?, ?, ?, ?, ?)",
                key,
            ).fetchone()
            transaction = int(found[0])
            self._insert(at, identity, "StartTransaction", unique_id, transaction, payload)
        return transaction

    def record(self, at: str, identity: str, action: str, unique_id: str, payload: Payload) -> None:
        """Record a StopTransaction or MeterValues."""
        transaction = payload.get("transactionId")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            number = transaction if isinstance(transaction, int) else None
            self._insert(at, identity, action, unique_id, number, payload)

    def violation(self, at: str, identity: str, text: str) -> None:
        """Record a frame that broke the protocol."""
        self._connection.execute("INSERT INTO violations (at, identity, text) VALUES (?, ?, ?)", (at, identity, text))

    def violations(self) -> list[str]:
        return [str(row[0]) for row in self._connection.execute("SELECT text FROM violations ORDER BY number")]

    def transactions(self) -> list[LedgerTransaction]:
        """All sessions in the order of their first start."""
        rows = self._connection.execute(
            "SELECT id, identity, connector, id_tag, started_at, meter_start FROM transactions ORDER BY id"
        ).fetchall()
        return [self._transaction(*row) for row in rows]

    def newest(self, count: int) -> list[LedgerEntry]:
        """The last starts and stops received, the newest first."""
        rows = self._connection.execute(
            "SELECT at, action, transaction_id, payload FROM received "
            "WHERE action IN ('StartTransaction', 'StopTransaction') ORDER BY number DESC LIMIT ?",
            (count,),
        )
        return [LedgerEntry(at, action, transaction, json.loads(payload)) for at, action, transaction, payload in rows]

    def strangers(self) -> list[str]:
        """Stops and readings of transactions that were never started."""
        rows = self._connection.execute(
            "SELECT action, transaction_id FROM received WHERE action != 'StartTransaction' "
            "AND transaction_id NOT NULL AND transaction_id NOT IN (SELECT id FROM transactions) ORDER BY number"
        )
        return [f"{action} of transaction {number}" for action, number in rows]

    def _insert(
        self, at: str, identity: str, action: str, unique_id: str, transaction: int | None, payload: Payload
    ) -> None:
        self._connection.execute(
            "INSERT INTO received (at, identity, action, unique_id, transaction_id, payload) VALUES (?, ?, ?, ?, ?, ?)",
            (at, identity, action, unique_id, transaction, json.dumps(payload, sort_keys=True)),
        )

    def _transaction(
        self, number: int, identity: str, connector: int, id_tag: str, started_at: str, meter_start: int
    ) -> LedgerTransaction:
        rows: list[tuple[str, str]] = self._connection.execute(
            "SELECT action, payload FROM received WHERE transaction_id = ? AND identity = ? ORDER BY number",
            (number, identity),
        ).fetchall()
        actions = [action for action, _ in rows]
        stops = [json.loads(payload) for action, payload in rows if action == "StopTransaction"]
        counted = Counter(actions)
        return LedgerTransaction(
            identity,
            connector,
            id_tag,
            started_at,
            meter_start,
            number,
            starts=counted["StartTransaction"],
            stops=counted["StopTransaction"],
            different_stops=len({json.dumps(stop, sort_keys=True) for stop in stops}),
            readings=len({payload for action, payload in rows if action == "MeterValues"}),
            meter_stop=stops[-1]["meterStop"] if stops else None,
            stop_reason=stops[-1].get("reason") if stops else None,
            order_kept=_in_order([action for action, _ in dict.fromkeys(rows)]),
        )


_PLACE = {"StartTransaction": 0, "MeterValues": 1, "StopTransaction": 2}


def _in_order(actions: list[str]) -> bool:
    places = [_PLACE[action] for action in actions]
    return places == sorted(places)

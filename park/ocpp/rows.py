"""Rows of the durable queue: facts on their way, what is known of each transaction, and dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import NotRequired, TypedDict, cast
from urllib.parse import quote

from msgspec import Struct

from park.journal.codec import FactRow, fact_of, fact_row
from park.model.access import Verdict
from park.model.session import FactId, SessionFact, SessionStarted, TransactionAssigned
from park.model.storage import Delete, Put, Row
from park.ocpp.setting import Setting
from park.ocpp.wire import instant, iso

QUEUE = "ocpp_queue"
TRANSACTIONS = "ocpp_transactions"
DEAD_LETTERS = "dead_letters"
DELIVERED = "delivered_sessions"
EVIDENCE = "late_facts"  # written for people; nothing here reads it
SETTINGS = "settings"
CLOSED_HERE = "closed-here:"  # begins the journal id of an end that this side made
TABLES = (QUEUE, TRANSACTIONS, DEAD_LETTERS, DELIVERED)


class Entry(Struct, frozen=True):
    """A fact that waits for the backend's answer. `number`: its place in the queue, in the order of arrival."""

    number: int
    id: FactId
    fact: SessionFact


class Fate(Enum):
    OPEN = "open"
    FINISHED = "finished"  # the backend answered its StopTransaction
    DEAD = "dead"  # in the dead-letter store, the whole of it


class Transaction(Struct, frozen=True):
    """A session as the backend knows it. Ordinals are those of its facts; -1: none yet.

    `queued_through` is not on disk: it follows from the queue. `ended`: its end is queued or delivered.
    `verdict`: on its id tag, as the backend gave it with the number; it is told again to who began anew (D4).
    `journal`: who owns the session, empty in rows of an older version. `last_at`, `last_energy_wh`: the newest reading,
    None before the first. `closed`: ended by this side, because its charge point left.
    """

    start: SessionStarted
    transaction: int | None = None
    delivered_through: int = -1
    queued_through: int = 0
    ended: bool = False
    fate: Fate = Fate.OPEN
    verdict: str = Verdict.ACCEPTED.value
    journal: str = ""
    last_at: datetime | None = None
    last_energy_wh: int | None = None
    closed: bool = False

    @property
    def session(self) -> str:
        return self.start.session

    def assigned(self) -> TransactionAssigned | None:
        """What the charge point is to know of it; None before the backend's answer."""
        if self.transaction is None:
            return None
        accepted = self.verdict == Verdict.ACCEPTED.value
        return TransactionAssigned(self.start.charge_point, self.session, self.transaction, accepted, self.verdict)


class DeliveredSession(Struct, frozen=True):
    """The little that is kept of a session the backend has the whole of. `through`: ordinal of its end; `at`: when."""

    session: str
    journal: str
    through: int
    transaction: int | None
    closed: bool
    at: datetime


class _EntryRow(TypedDict):
    journal: str
    number: int
    fact: FactRow


class _TransactionRow(TypedDict):
    start: FactRow
    transaction: int | None
    delivered_through: int
    ended: bool
    fate: str
    verdict: NotRequired[str]  # absent: written before it was kept, of a card that counts as accepted
    journal: NotRequired[str]  # absent, as those below: written before they were kept
    last: NotRequired[tuple[str, int] | None]
    closed: NotRequired[bool]


class _SettingRow(TypedDict):
    value: str
    by: str
    at: str


class Rows(Struct, frozen=True):
    """Builds and reads the rows of one identity; rows of another identity are left alone (B-200)."""

    identity: str

    def put_entry(self, entry: Entry) -> Put:
        row: _EntryRow = {"journal": entry.id.journal, "number": entry.id.number, "fact": fact_row(entry.fact)}
        return Put(QUEUE, self._entry_key(entry), _json(row))

    def delete_entry(self, entry: Entry) -> Delete:
        return Delete(QUEUE, self._entry_key(entry))

    def put_transaction(self, transaction: Transaction) -> Put:
        row: _TransactionRow = {
            "start": fact_row(transaction.start),
            "transaction": transaction.transaction,
            "delivered_through": transaction.delivered_through,
            "ended": transaction.ended,
            "fate": transaction.fate.value,
            "verdict": transaction.verdict,
            "journal": transaction.journal,
            "last": _last_row(transaction),
            "closed": transaction.closed,
        }
        return Put(TRANSACTIONS, self.key(transaction.session), _json(row))

    def delete_transaction(self, transaction: Transaction) -> Delete:
        return Delete(TRANSACTIONS, self.key(transaction.session))

    def put_dead(
        self, fact: SessionFact, transaction: int | None, *, delivered: bool, reason: str, at: datetime
    ) -> Put:
        """A dead letter stands alone: the fact, the backend's number if it gave one, why and when it was given up."""
        row = {
            "fact": fact_row(fact),
            "transaction": transaction,
            "delivered": delivered,
            "reason": reason,
            "at": iso(at),
        }
        return Put(DEAD_LETTERS, self.key(f"{fact.session}/{fact.ordinal:08d}"), _json(row))

    def put_late(self, fact: SessionFact, reason: str, at: datetime) -> Put:
        """A fact that came after its session's end: evidence for people, which is never sent."""
        row = {"fact": fact_row(fact), "reason": reason, "at": iso(at)}
        return Put(EVIDENCE, self.key(f"{fact.session}/{fact.ordinal:08d}"), _json(row))

    def put_delivered(self, known: DeliveredSession) -> Put:
        row = [known.journal, known.through, known.transaction, known.closed, known.at.isoformat()]
        return Put(DELIVERED, self.key(known.session), _json(row))

    def delete_delivered(self, session: str) -> Delete:
        return Delete(DELIVERED, self.key(session))

    def put_setting(self, name: str, setting: Setting) -> Put:
        row: _SettingRow = {
            "value": setting.value,
            "by": setting.by,
            "at": "" if setting.at is None else iso(setting.at),
        }
        return Put(SETTINGS, self._key(name), _json(row))

    def put(self, table: str, key: str, body: str) -> Put:
        """A row of this identity whose body somebody else makes."""
        return Put(table, self.key(key), body)

    def delete(self, table: str, key: str) -> Delete:
        return Delete(table, self.key(key))

    def delete_setting(self, name: str) -> Delete:
        return Delete(SETTINGS, self.key(name))

    def mine(self, rows: Iterable[Row], table: str) -> list[tuple[str, str]]:
        """(rest of the key, body) of this identity's rows in a table, ascending."""
        prefix = self.key("")
        return [(row.key[len(prefix) :], row.body) for row in rows if row.table == table and row.key.startswith(prefix)]

    def _entry_key(self, entry: Entry) -> str:
        return self.key(f"{entry.number:012d}")

    def key(self, rest: str) -> str:
        """A row's key that only this identity reads again by `mine`."""
        return self._key(rest)

    def _key(self, rest: str) -> str:
        return f"{quote(self.identity, safe='')}/{rest}"  # an identity may hold a slash itself


def entry_of(number: str, body: str) -> Entry:
    """Raises ValueError, KeyError or TypeError for a row that is not one of ours; so do the readers below."""
    row = cast("_EntryRow", json.loads(body))
    return Entry(int(number), FactId(row["journal"], row["number"]), fact_of(row["fact"]))


def transaction_of(body: str) -> Transaction:
    row = cast("_TransactionRow", json.loads(body))
    start = fact_of(row["start"])
    if not isinstance(start, SessionStarted):
        raise ValueError(f"a transaction begins with a start, not with {type(start).__name__}")  # noqa: TRY004 - a damaged row
    through = row["delivered_through"]
    verdict = str(row.get("verdict", Verdict.ACCEPTED.value))
    last = row.get("last")
    return Transaction(
        start,
        row["transaction"],
        through,
        through,
        row["ended"],
        Fate(row["fate"]),
        verdict,
        row.get("journal", ""),
        None if last is None else datetime.fromisoformat(last[0]),
        None if last is None else last[1],
        row.get("closed", False),
    )


def _last_row(transaction: Transaction) -> tuple[str, int] | None:
    if transaction.last_at is None or transaction.last_energy_wh is None:
        return None
    return transaction.last_at.isoformat(), transaction.last_energy_wh


def delivered_of(session: str, body: str) -> DeliveredSession:
    journal, through, transaction, closed, at = cast("tuple[str, int, int | None, bool, str]", json.loads(body))
    return DeliveredSession(session, journal, through, transaction, closed, datetime.fromisoformat(at))


def setting_of(body: str) -> Setting:
    row = cast("_SettingRow", json.loads(body))
    return Setting(str(row["value"]), str(row.get("by", "")), instant(row.get("at")))


def session_of_dead(key: str) -> str:
    return key.rpartition("/")[0]


def _json(row: object) -> str:
    return json.dumps(row, separators=(",", ":"))

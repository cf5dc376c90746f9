"""Whether a node may take another role: no session may be lost or told twice on the way (D1)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from park.config.board import Role
from park.journal import journal
from park.journal.codec import Entry, entry_body, entry_of
from park.model.session import OpenSession, SessionStarted
from park.model.storage import Put, Row, RowsLoaded
from park.model.time import Now
from park.ocpp.rows import QUEUE, TRANSACTIONS, Fate, Transaction, transaction_of

TABLES = (journal.TABLE, QUEUE, TRANSACTIONS)


class Holdings(Struct, frozen=True):
    """What a node's database holds of sessions. `entries`: of its own journal; `open_here`: its own, not ended.

    `queued`: facts for the backend. `running`: sessions the backend has the start of, by charge point.
    """

    entries: tuple[Entry, ...] = ()
    open_here: tuple[OpenSession, ...] = ()
    queued: int = 0
    running: tuple[str, ...] = ()

    @property
    def undelivered(self) -> int:
        return sum(not entry.delivered for entry in self.entries)


def holdings(journal_id: str, rows: Iterable[Row], now: Now) -> Holdings:
    """Rows that cannot be read are counted nowhere; the node alarms them when it starts."""
    rows = tuple(rows)
    mine = tuple(row for row in rows if row.table == journal.TABLE)
    state, _ = journal.step(journal.initial(journal_id), RowsLoaded(mine), now)
    transactions = (known for row in rows if row.table == TRANSACTIONS and (known := _transaction(row)) is not None)
    return Holdings(
        tuple(entry for row in mine if (entry := _entry(journal_id, row)) is not None),
        tuple(state.open.values()),
        sum(row.table == QUEUE for row in rows),
        tuple(known.start.charge_point for known in transactions if not known.ended and known.fate is Fate.OPEN),
    )


def obstacle(before: Role, after: Role, held: Holdings, *, has_backend: bool) -> str | None:
    """Why the node must keep its role for now, and what to do; None: nothing would be lost.

    A session belongs to the identity at the backend it began under: nobody else can end it there.
    """
    if before != "client" and after == "client":
        open_sessions = max(len(held.running), len(held.open_here) if has_backend else 0)
        waiting = max(held.queued, held.undelivered if has_backend else 0)
        if not waiting and not open_sessions:
            return None
        return (
            f"{_count(waiting, 'session fact')} not at the backend yet, {_count(open_sessions, 'session')} open: start "
            f"it as a {before} again, end the sessions, wait until `chargepark status` shows queue 0, and stop it; its "
            "boards have to be connected meanwhile, for what they hold is not counted here"
        )
    if before == "client" and after != "client":
        if not held.undelivered and not held.open_here:
            return None
        return (
            f"{_count(held.undelivered, 'session fact')} not delivered by the server yet, "
            f"{_count(len(held.open_here), 'session')} open: start it as a client again, end the sessions, leave it "
            "connected until the server shows queue 0, and stop it"
        )
    return None


def offered_whole(held: Holdings) -> tuple[Put, ...]:
    """Rows that make open sessions, which no backend was there for, go to the server with their start.

    They keep the connector they began on. What the journal has no start of is left as it is.
    """
    open_sessions = {known.started.session for known in held.open_here}
    started = {entry.fact.session for entry in held.entries if isinstance(entry.fact, SessionStarted)}
    again = (
        replace(entry, delivered=False)
        for entry in held.entries
        if entry.delivered and entry.fact.session in open_sessions & started
    )
    return tuple(Put(journal.TABLE, f"{entry.id.number:012d}", entry_body(entry)) for entry in again)


def closed_with_the_boards(held: Holdings, node: str) -> int:
    """Sessions of boards, which end with their last reading when a server becomes a single board."""
    return sum(point.partition("/")[0] != node for point in held.running)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'} {'is' if number == 1 else 'are'}"


def _entry(journal_id: str, row: Row) -> Entry | None:
    try:
        return entry_of(journal_id, row.key, row.body)
    except (ValueError, KeyError, TypeError):
        return None


def _transaction(row: Row) -> Transaction | None:
    try:
        return transaction_of(row.body)
    except (ValueError, KeyError, TypeError):
        return None

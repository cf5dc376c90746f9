"""The durable, ordered queue of transaction messages: what waits, what is being written, and how far the head has come.

Facts come in by `park.ocpp.intake`, leave by `park.ocpp.delivery`. Only what is on disk is in `backlog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from park.model.access import BackendAuthorized
from park.model.alarm import Alarm
from park.model.session import (
    FactDelivered,
    FactId,
    FactOffered,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionStarted,
    TransactionAssigned,
)
from park.model.storage import Delete, Put, Row
from park.ocpp.arrivals import Arrivals
from park.ocpp.backlog import Backlog
from park.ocpp.delivered import DeliveredSessions
from park.ocpp.link import Payload
from park.ocpp.rows import (
    CLOSED_HERE,
    DEAD_LETTERS,
    DELIVERED,
    QUEUE,
    TRANSACTIONS,
    DeliveredSession,
    Entry,
    Fate,
    Rows,
    Transaction,
    delivered_of,
    entry_of,
    session_of_dead,
    transaction_of,
)
from park.ocpp.transactions import Transactions


class Attempt(Struct, frozen=True):
    """The transmissions of the head. Its payload is made once, so that a repeat is identical (D1).

    `ids`: unique ids of all transmissions, for a late answer to any of them counts. `failed`: how many count towards
    the limit. `unproven`: the newest one timed out, and the backend has not yet shown that it answers anything at all.
    """

    number: int
    action: str
    payload: Payload
    ids: tuple[str, ...] = ()
    failed: int = 0
    not_before: float = 0.0
    unproven: bool = False


class Settling(Struct, frozen=True):
    """What becomes of the head, on its way to disk: nothing more is sent and nobody is told before it is there.

    `shortened`: a finished session of which only this is kept from now on. `forgotten`: sessions not even that is.
    """

    writes: tuple[Put | Delete, ...]
    numbers: frozenset[int]
    transaction: Transaction | None
    told: tuple[FactDelivered | TransactionAssigned | BackendAuthorized | Alarm, ...]
    shortened: DeliveredSession | None = None
    forgotten: tuple[str, ...] = ()
    asked: bool = False
    not_before: float = 0.0


class Queue(Struct, frozen=True):
    """`backlog`: what is on disk. Of what is being written, `burying` goes to the dead letters, `late` is evidence.

    `early`: sessions of which an earlier fact is missing, and since when. `dead`: sessions in the dead-letter store.
    `closing`: sessions whose end was made here and is not on disk yet. `delivered`: long finished sessions.
    What grows with the outage is changed in place, as the journal's state is: a copy for each fact would cost more than
    all else about it.
    """

    rows: Rows
    backlog: Backlog = field(default_factory=Backlog)
    transactions: Transactions = field(default_factory=Transactions)
    arrivals: Arrivals = field(default_factory=Arrivals)
    burying: frozenset[FactId] = frozenset()
    late: frozenset[FactId] = frozenset()
    closing: set[str] = field(default_factory=set[str])
    delivered: DeliveredSessions = field(default_factory=DeliveredSessions)
    early: Mapping[str, float] = field(default_factory=dict[str, float])
    dead: set[str] = field(default_factory=set[str])
    next_number: int = 0
    attempt: Attempt | None = None
    settling: Settling | None = None
    repeats: int = 0
    unanswered: int = 0

    @property
    def oldest_at(self) -> datetime | None:
        head = self.backlog.head
        return None if head is None else head.fact.at


def load(identity: str, rows: Iterable[Row]) -> tuple[Queue, tuple[Alarm, ...]]:
    """The queue as the disk holds it. A row that cannot be read stays where it is and is alarmed."""
    rows = tuple(rows)
    mine = Rows(identity)
    alarms: list[Alarm] = []
    transactions: list[Transaction] = []
    entries: list[Entry] = []
    next_number = 0
    for key, body in mine.mine(rows, TRANSACTIONS):
        try:
            transactions.append(transaction_of(body))
        except (ValueError, KeyError, TypeError) as error:
            alarms.append(_unreadable(TRANSACTIONS, key, error))
    for key, body in mine.mine(rows, QUEUE):
        next_number = int(key) + 1 if key.isdigit() else next_number
        try:
            entries.append(entry_of(key, body))
        except (ValueError, KeyError, TypeError) as error:
            alarms.append(_unreadable(QUEUE, key, error))
    remembered: list[DeliveredSession] = []
    for key, body in mine.mine(rows, DELIVERED):
        try:
            remembered.append(delivered_of(key, body))
        except (ValueError, KeyError, TypeError) as error:
            alarms.append(_unreadable(DELIVERED, key, error))
    known = Transactions(sorted(transactions, key=lambda known: known.start.at))
    for entry in entries:
        follow(known, entry)
    letters = [key for key, _ in mine.mine(rows, DEAD_LETTERS)]
    _count_dead(known, letters)
    dead = {session_of_dead(key) for key in letters}
    queue = Queue(
        mine, Backlog(entries), known, next_number=next_number, dead=dead, delivered=DeliveredSessions(remembered)
    )
    return queue, tuple(alarms)


def follow(transactions: Transactions, entry: Entry) -> Transaction | None:
    """Take note that this entry is queued; returns its transaction, None without a start."""
    fact = entry.fact
    known = transactions.get(fact.session)
    if known is None and isinstance(fact, SessionStarted):
        known = Transaction(fact, journal=entry.id.journal)
    if known is None:
        return None
    known = _with_reading(replace(known, queued_through=max(known.queued_through, fact.ordinal)), fact)
    if isinstance(fact, SessionEnded):
        known = replace(known, ended=True, closed=known.closed or entry.id.journal.startswith(CLOSED_HERE))
    transactions.put(known)
    return known


def _count_dead(transactions: Transactions, letters: Iterable[str]) -> None:
    """Facts in the dead letters have come: offered again they are answered, and the letter keeps its reason."""
    for key in letters:
        session, _, ordinal = key.rpartition("/")
        known = transactions.get(session)
        if known is not None and ordinal.isdigit():
            transactions.put(replace(known, queued_through=max(known.queued_through, int(ordinal))))


def _with_reading(known: Transaction, fact: SessionFact) -> Transaction:
    """The newest reading is what a session ends with when nobody else ends it."""
    if not isinstance(fact, SessionMetered):
        return known
    at, energy_wh = known.last_at or fact.at, known.last_energy_wh or 0
    return replace(known, last_at=max(at, fact.at), last_energy_wh=max(energy_wh, fact.sample.energy_wh))


def is_known(queue: Queue, session: str) -> bool:
    """Whether facts of this session came before: running, finished, long finished, or dead."""
    known = queue.transactions.get(session) or queue.delivered.get(session)
    return known is not None or session in queue.dead


def is_closing(queue: Queue, session: str) -> bool:
    return session in queue.closing


def is_late(queue: Queue, offered: FactOffered) -> bool:
    """Whether its session was over before this fact: closed here, or ended by its own journal."""
    session, ordinal = offered.fact.session, offered.fact.ordinal
    known = queue.transactions.get(session)
    if known is None:
        remembered = queue.delivered.get(session)
        if remembered is None:
            return False
        return ordinal > remembered.through or (remembered.closed and ordinal == remembered.through)
    if not known.ended or offered.id.journal.startswith(CLOSED_HERE):
        return False
    beyond = ordinal > known.queued_through and not is_dead(queue, session)
    return beyond or (known.closed and ordinal >= known.queued_through)


def is_orphan(queue: Queue, session: str) -> bool:
    """Dead without a start: its facts are dead letters in whatever order they come."""
    return session in queue.dead and queue.transactions.get(session) is None


def is_dead(queue: Queue, session: str) -> bool:
    known = queue.transactions.get(session)
    return session in queue.dead or (known is not None and known.fate is Fate.DEAD)


def _unreadable(table: str, key: str, error: Exception) -> Alarm:
    text = f"row {key} of table {table} cannot be read ({error}); it is left in place: keep a copy of the database"
    return Alarm("ocpp-row-unreadable", text)

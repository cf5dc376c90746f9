"""How a fact enters the queue: each once, in the order of its session, and acknowledged only when it is on disk."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.alarm import Alarm
from park.model.session import (
    FactDelivered,
    FactOffered,
    FactsKnown,
    FactTaken,
    SessionEnded,
    SessionStarted,
    known_date,
)
from park.model.storage import Put
from park.model.time import Now
from park.ocpp import closing
from park.ocpp.queue import Queue, follow, is_closing, is_dead, is_late, is_orphan
from park.ocpp.rows import CLOSED_HERE, Entry, Fate, Transaction

BATCH = 100  # facts a commit takes at most: bounds the time of one write, not the number of them
GAP_SECONDS = 60.0  # ours: the journal offers again every 10 s in order; a bad network loses or keeps back a few rounds
ORPHAN_SECONDS = 120.0  # ours: a start is worth waiting for longer

Told = tuple[FactTaken | FactDelivered | Alarm, ...]


def offer(queue: Queue, offered: FactOffered, now: Now) -> tuple[Queue, Told]:
    """Answered at once when it is known (`FactTaken`, and `FactDelivered` if it was), else after `committed`.

    A fact that came too early is not answered: its journal offers it again.
    """
    if offered.id in queue.arrivals or is_closing(queue, offered.fact.session):
        return queue, ()
    if is_late(queue, offered):
        return _accept(queue, offered), ()
    remembered = queue.delivered.get(offered.fact.session)
    if remembered is not None:
        return queue, (FactTaken(offered.id), FactDelivered(offered.id, remembered.transaction))
    known = queue.transactions.get(offered.fact.session)
    if known is not None and offered.fact.ordinal <= known.queued_through:
        return queue, _known(known, offered)
    early = offered.fact.ordinal > _next_ordinal(queue, offered.fact.session)
    if early and not is_orphan(queue, offered.fact.session):
        return _early(queue, offered, now)
    return _accept(queue, offered), ()


def known(queue: Queue, journal: str, session: str) -> FactsKnown:
    """How far a session of this journal is here. An end that was made here is not its journal's."""
    running = queue.transactions.get(session)
    if running is not None and running.journal == journal:
        taken = running.queued_through - running.closed
        delivered = min(taken, running.delivered_through) if running.fate is Fate.OPEN else taken
        return FactsKnown(journal, session, taken, delivered, running.transaction, known_date(running.start))
    remembered = queue.delivered.get(session)
    if remembered is not None and remembered.journal == journal:
        through = remembered.through - remembered.closed
        return FactsKnown(journal, session, through, through, remembered.transaction)
    return FactsKnown(journal, session, -1, -1, None)


def _known(known: Transaction, offered: FactOffered) -> Told:
    taken = FactTaken(offered.id)
    if offered.fact.ordinal <= known.delivered_through or known.fate is not Fate.OPEN:
        date = known_date(known.start) if isinstance(offered.fact, SessionStarted) else None
        return (taken, FactDelivered(offered.id, known.transaction, date))
    return (taken,)


def _next_ordinal(queue: Queue, session: str) -> int:
    """The facts of a session are numbered without gaps; what is on its way to disk counts."""
    known = queue.transactions.get(session)
    return max(queue.arrivals.newest(session), -1 if known is None else known.queued_through) + 1


def _accept(queue: Queue, offered: FactOffered) -> Queue:
    queue.arrivals.add(offered)
    if offered.fact.session not in queue.early:
        return queue
    early = {session: since for session, since in queue.early.items() if session != offered.fact.session}
    return replace(queue, early=early)


def _early(queue: Queue, offered: FactOffered, now: Now) -> tuple[Queue, Told]:
    """An earlier fact of the session is missing: the disk refused it, or a restart forgot it, and it comes again.

    One that does not come is given up: a reading as a gap, a start with the whole session in the dead letters.
    """
    session = offered.fact.session
    since = queue.early.get(session, now.mono)
    started = _next_ordinal(queue, session) > 0
    if now.mono - since < (GAP_SECONDS if started else ORPHAN_SECONDS):
        return replace(queue, early={**queue.early, session: since}), ()
    where = f"session {session} of charge point {offered.fact.charge_point}"
    if started:
        text = f"{where} has a gap before its fact {offered.fact.ordinal}: a reading is missing at the backend"
        return _accept(queue, offered), (Alarm("ocpp-reading-missing", text),)
    text = (
        f"{where} has no start here; its facts are in the dead-letter store: export them and enter the session at "
        "the backend by hand"
    )
    queue.dead.add(session)
    return _accept(queue, offered), (Alarm("ocpp-dead-letter", text),)


def begin_write(queue: Queue, now: Now) -> tuple[Queue, tuple[Put, ...]]:
    """The rows of the next batch; call when `arrivals.due`."""
    batch = queue.arrivals.begin(BATCH)
    late = frozenset(offered.id for offered in batch if is_late(queue, offered))
    dead = (offered.id for offered in batch if is_dead(queue, offered.fact.session))
    queue = replace(queue, burying=frozenset(dead) - late, late=late)
    puts = (_put(queue, offered, entry, now) for offered, entry in zip(batch, _entries(queue, batch), strict=True))
    return queue, tuple(puts)


def _put(queue: Queue, offered: FactOffered, entry: Entry, now: Now) -> Put:
    if offered.id in queue.late:
        return queue.rows.put_late(offered.fact, "it came after the end of its session", now.wall)
    return _put_dead(queue, offered, now) if offered.id in queue.burying else queue.rows.put_entry(entry)


def _entries(queue: Queue, batch: tuple[FactOffered, ...]) -> tuple[Entry, ...]:
    return tuple(Entry(queue.next_number + place, offered.id, offered.fact) for place, offered in enumerate(batch))


def _put_dead(queue: Queue, offered: FactOffered, now: Now) -> Put:
    known = queue.transactions.get(offered.fact.session)
    number = known.transaction if known is not None else None
    reason = "its transaction is in the dead-letter store"
    return queue.rows.put_dead(offered.fact, number, delivered=False, reason=reason, at=now.wall)


def committed(queue: Queue) -> tuple[Queue, Told]:
    """The batch is on disk: it is in the queue, and its journal is told."""
    told: list[FactTaken | FactDelivered | Alarm] = []
    batch = queue.arrivals.finish()
    for offered, entry in zip(batch, _entries(queue, batch), strict=True):
        if offered.id in queue.late:
            told += _kept_as_evidence(queue, offered)
            continue
        known = follow(queue.transactions, entry)
        if offered.id.journal.startswith(CLOSED_HERE) and isinstance(offered.fact, SessionEnded):
            queue.closing.discard(offered.fact.session)
            told.append(closing.closed(offered.fact))
        told.append(FactTaken(offered.id))
        if offered.id in queue.burying:
            told.append(FactDelivered(offered.id, known.transaction if known is not None else None))
        else:
            queue.backlog.add(entry)
    return replace(queue, next_number=queue.next_number + len(batch)), tuple(told)


def _kept_as_evidence(queue: Queue, offered: FactOffered) -> tuple[FactTaken | FactDelivered | Alarm, ...]:
    """Its journal hears that it is delivered: nothing more can come of it."""
    known = queue.transactions.get(offered.fact.session) or queue.delivered.get(offered.fact.session)
    number = None if known is None else known.transaction
    return (FactTaken(offered.id), FactDelivered(offered.id, number), closing.late(offered))


def refused(queue: Queue) -> Queue:
    """The disk did not take the batch: its facts and all that waited behind come again from their journals."""
    queue.arrivals.clear()
    queue.closing.clear()
    return queue

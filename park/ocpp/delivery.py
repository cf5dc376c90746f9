"""How the head of the queue reaches the backend: attempts, late answers, the end of patience, and what is then true.

A retransmission follows only an attempt without a CALLRESULT and repeats the payload under a new unique id. Losing the
connection is no attempt that counts; nor is a timeout while the backend answers nothing at all.
"""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import BackendAuthorized, Verdict
from park.model.alarm import Alarm
from park.model.session import (
    FactDelivered,
    SessionEnded,
    SessionMetered,
    SessionStarted,
    TransactionAssigned,
    known_date,
)
from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp import messages
from park.ocpp.keys import KeyValues
from park.ocpp.link import Payload
from park.ocpp.payloads import Payloads
from park.ocpp.queue import Attempt, Queue, Settling, is_dead
from park.ocpp.rows import DeliveredSession, Entry, Fate, Transaction
from park.ocpp.wire import integer_of, member, text_of

FINISHED_KEPT = 2_000  # delivered sessions kept whole: a busy week; of older ones `delivered` keeps the keys
RETRY_COMMIT_SECONDS = 1.0  # ours: a full disk is looked at once a second
AS_OTHERS = -1  # B-028
REFUSING = (Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID)  # about the card, not about a second transaction


def prepare(queue: Queue, payloads: Payloads, now: Now) -> Queue:
    """The head gets its payload, or its fate if it cannot be sent at all."""
    head = queue.backlog.head
    if queue.attempt is not None or queue.settling is not None or head is None:
        return queue
    if head.fact.undated is not None:  # its payload is made once (D1), and the date is found while nothing is sent
        return queue
    known = queue.transactions.get(head.fact.session)
    if known is None:
        return bury(queue, head.fact.session, "its start is not known here", now)
    if is_dead(queue, head.fact.session):
        return bury(queue, head.fact.session, "its transaction is in the dead-letter store", now)
    match head.fact:
        case SessionStarted():
            return _attempting(queue, head, "StartTransaction", messages.start_transaction(head.fact))
        case _ if known.transaction is None:
            return bury(queue, head.fact.session, "the backend gave its transaction no number", now)
        case SessionEnded():
            return _attempting(queue, head, "StopTransaction", payloads.stop(head.fact, known.transaction))
        case SessionMetered():
            payload = payloads.reading(head.fact, known.transaction)
            if payload is None:
                return _deliver(queue, head, known, now)
            return _attempting(queue, head, "MeterValues", payload)


def _attempting(queue: Queue, head: Entry, action: str, payload: Payload) -> Queue:
    return replace(queue, attempt=Attempt(head.number, action, payload))


def due(queue: Queue, now: Now) -> Attempt | None:
    """The attempt that may be transmitted now."""
    attempt = queue.attempt
    if attempt is None or queue.settling is not None or attempt.unproven or now.mono < attempt.not_before:
        return None
    return attempt


def sent(queue: Queue, unique_id: str) -> Queue:
    attempt = queue.attempt
    if attempt is None:
        return queue
    repeats = queue.repeats + (1 if attempt.ids else 0)
    return replace(queue, attempt=replace(attempt, ids=(*attempt.ids, unique_id)), repeats=repeats)


def owns(queue: Queue, unique_id: str) -> bool:
    """Whether this is a transmission of the head that still waits for an outcome: the newest, or one given up."""
    return queue.attempt is not None and queue.settling is None and unique_id in queue.attempt.ids


def answered(queue: Queue, unique_id: str, payload: Payload, values: KeyValues, now: Now) -> Queue:
    """The first answer to any transmission settles the head, however late (anchors: late answers count)."""
    head, known = _under_way(queue)
    if head is None or known is None or not owns(queue, unique_id):
        return queue
    if not isinstance(head.fact, SessionStarted):
        return _deliver(queue, head, known, now)
    number = integer_of(payload, "transactionId")
    if number is None:
        return failed(queue, unique_id, "the answer has no transaction id", values, now)
    verdict = text_of(member(payload, "idTagInfo"), "status") or Verdict.ACCEPTED.value
    after = replace(known, transaction=number, verdict=verdict)
    assigned = after.assigned()
    told = (*_word_on_the_card(known, verdict), *_twice_given(queue, known, number))
    return _deliver(queue, head, after, now, *(() if assigned is None else (assigned,)), *told)


def _under_way(queue: Queue) -> tuple[Entry | None, Transaction | None]:
    """The head, and its transaction, which every head that is sent has."""
    head = queue.backlog.head
    return head, None if head is None else queue.transactions.get(head.fact.session)


def _word_on_the_card(known: Transaction, verdict: str) -> tuple[BackendAuthorized, ...]:
    """A card refused with its transaction is known to be refused from then on, offline too (D4)."""
    refused = next((each for each in REFUSING if each.value == verdict), None)
    return () if refused is None else (BackendAuthorized("", known.start.id_tag, refused),)


def _twice_given(queue: Queue, known: Transaction, number: int) -> tuple[Alarm, ...]:
    """B-193: a transaction id is unique. It is used as given, and nothing is merged."""
    other = queue.transactions.numbered(number)
    if other is None or other.session == known.session:
        return ()
    text = (
        f"the backend gave transaction id {number} to connector {known.start.connector}, and to connector "
        f"{other.start.connector} before: both are kept apart here; report it to the backend's operator"
    )
    return (Alarm("ocpp-transaction-id-twice", text),)


def _deliver(
    queue: Queue, head: Entry, known: Transaction, now: Now, *told: TransactionAssigned | BackendAuthorized | Alarm
) -> Queue:
    ended = isinstance(head.fact, SessionEnded)
    fate = Fate.FINISHED if ended else known.fate
    after = replace(known, delivered_through=head.fact.ordinal, fate=fate)
    writes: list[Put | Delete] = [queue.rows.delete_entry(head), queue.rows.put_transaction(after)]
    oldest = queue.transactions.oldest_finished(FINISHED_KEPT) if ended else None
    shortened = None if oldest is None else _shortened(oldest, now)
    forgotten = () if shortened is None else queue.delivered.outdated(shortened)
    if oldest is not None and shortened is not None:
        writes += [queue.rows.delete_transaction(oldest), queue.rows.put_delivered(shortened)]
        writes += [queue.rows.delete_delivered(session) for session in forgotten]
    settling = Settling(
        tuple(writes),
        frozenset({head.number}),
        after,
        (FactDelivered(head.id, after.transaction, known_date(head.fact)), *told),
        shortened,
        forgotten,
    )
    return replace(queue, settling=settling)


def _shortened(known: Transaction, now: Now) -> DeliveredSession:
    return DeliveredSession(
        known.session, known.journal, known.delivered_through, known.transaction, known.closed, now.wall
    )


def failed(queue: Queue, unique_id: str, why: str, values: KeyValues, now: Now) -> Queue:
    """A CALLERROR to the newest transmission; one to an older transmission was counted when that one timed out."""
    if not owns(queue, unique_id) or queue.attempt is None or queue.attempt.ids[-1] != unique_id:
        return queue
    if queue.attempt.unproven:  # the timeout was counted as unanswered; the error proves that the backend lives
        return _count(queue, why, values, now)
    return _count(replace(queue, unanswered=queue.unanswered + 1), why, values, now)


def timed_out(queue: Queue, unique_id: str) -> Queue:
    """No answer in time. Whether it counts is known when the backend answers something else, see `proven`."""
    if not owns(queue, unique_id) or queue.attempt is None:
        return queue
    return replace(queue, attempt=replace(queue.attempt, unproven=True), unanswered=queue.unanswered + 1)


def proven(queue: Queue, values: KeyValues, now: Now) -> Queue:
    """The backend answers other calls: the timed-out transmission of the head counts as a failed attempt."""
    if queue.attempt is None or queue.settling is not None or not queue.attempt.unproven:
        return queue
    return _count(queue, "no answer in time", values, now)


def lost(queue: Queue, unique_id: str | None) -> Queue:
    """The connection is gone, with the transmission `unique_id` in flight or none: try again on the next one."""
    attempt = queue.attempt
    if attempt is None:
        return queue
    unanswered = queue.unanswered + (1 if unique_id is not None and owns(queue, unique_id) else 0)
    return replace(queue, attempt=replace(attempt, unproven=False), unanswered=unanswered)


def _count(queue: Queue, why: str, values: KeyValues, now: Now) -> Queue:
    """One more attempt that counts: wait longer each time (OCPP 1.6 §9.1.32), or give up."""
    attempt = queue.attempt
    head, known = _under_way(queue)
    if attempt is None or head is None or known is None:
        return queue
    attempt = replace(attempt, failed=attempt.failed + 1, unproven=False)
    if attempt.action == "MeterValues" and not values.switch("RetransmitMeterValues"):  # B-032
        return _deliver(queue, head, known, now)
    limit = _attempts(known, values)
    if limit and attempt.failed >= limit:
        return bury(queue, known.session, f"{attempt.action} failed {attempt.failed} times, the last time: {why}", now)
    wait = values.number("TransactionMessageRetryInterval") * len(attempt.ids)
    return replace(queue, attempt=replace(attempt, not_before=now.mono + wait))


def _attempts(known: Transaction, values: KeyValues) -> int:
    """How many a message of this transaction has; 0: no end. A certified meter's has its own number (B-028, B-029)."""
    calibrated = values.text_at("EichrechtActive", str(known.start.connector)) == "true"
    own = values.number("EichrechtTransactionMessageAttempts")
    return own if calibrated and own != AS_OTHERS else values.number("TransactionMessageAttempts")


def bury(queue: Queue, session: str, reason: str, now: Now) -> Queue:
    """The whole transaction of the head goes to the dead letters: what waits, and a start already delivered (D1)."""
    known = queue.transactions.get(session)
    number = known.transaction if known is not None else None
    waiting = queue.backlog.of_session(session)
    writes: list[Put | Delete] = []
    for entry in waiting:
        dead = queue.rows.put_dead(entry.fact, number, delivered=False, reason=reason, at=now.wall)
        writes += [queue.rows.delete_entry(entry), dead]
    after = None
    if known is not None:
        after = replace(known, fate=Fate.DEAD)
        writes.append(queue.rows.put_transaction(after))
        if known.delivered_through >= 0 and known.fate is not Fate.DEAD:
            writes.append(queue.rows.put_dead(known.start, number, delivered=True, reason=reason, at=now.wall))
    told = tuple(FactDelivered(entry.id, number, known_date(entry.fact)) for entry in waiting)
    first = not is_dead(queue, session)
    settling = Settling(
        tuple(writes),
        frozenset(entry.number for entry in waiting),
        after,
        (*told, *((_buried(session, known, reason),) if first else ())),
    )
    queue.dead.add(session)
    return replace(queue, settling=settling)


def _buried(session: str, known: Transaction | None, reason: str) -> Alarm:
    where = f" on connector {known.start.connector} of {known.start.at.isoformat()}" if known is not None else ""
    return Alarm(
        "ocpp-dead-letter",
        f"session {session}{where} is in the dead-letter store: {reason}. "
        "Export it and enter it at the backend by hand",
    )


def settled(queue: Queue) -> tuple[Queue, tuple[FactDelivered | TransactionAssigned | BackendAuthorized | Alarm, ...]]:
    """The head's outcome is on disk."""
    settling = queue.settling
    if settling is None:
        return queue, ()
    queue.backlog.remove(settling.numbers)
    if settling.transaction is not None:
        after = settling.transaction
        current = queue.transactions.get(after.session) or after
        delivered = replace(
            current,
            transaction=after.transaction,
            verdict=after.verdict,
            delivered_through=after.delivered_through,
            ended=current.ended or after.ended,
            fate=after.fate,
        )
        queue.transactions.put(delivered)
    if settling.shortened is not None:
        queue.delivered.add(settling.shortened)
        queue.transactions.forget(settling.shortened.session)
        queue.delivered.forget(settling.forgotten)
    queue = replace(queue, attempt=None, settling=None)
    return queue, settling.told


def unsettled(queue: Queue, now: Now) -> Queue:
    """The disk did not take the outcome: ask again soon, and send nothing meanwhile."""
    if queue.settling is None:
        return queue
    again = replace(queue.settling, asked=False, not_before=now.mono + RETRY_COMMIT_SECONDS)
    return replace(queue, settling=again)

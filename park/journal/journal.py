"""The journal's step: number, persist, acknowledge, offer until taken, keep until delivered (safety: Journal).

A fact is written before it is acknowledged to its charge point; a resend of a fact that is already on disk is
acknowledged again and not written twice. After a restart everything is rebuilt from the rows.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.exchange.messages import OfferAgain
from park.journal.codec import Entry, entry_body, entry_of, key_of_number
from park.journal.offering import answered, ask_again, offer
from park.journal.state import JournalState, Rows
from park.model.alarm import Alarm
from park.model.session import (
    FactDelivered,
    FactId,
    FactKey,
    FactOffered,
    FactPersisted,
    FactsHeld,
    FactsKnown,
    FactTaken,
    OpenSession,
    RecordFact,
    RecoverSession,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionRecovered,
    SessionStarted,
    StopReason,
    key_of,
)
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, Delete, Load, Put, RowsLoaded, Write
from park.model.time import Now

TABLE = "journal"
RETRY_COMMIT_SECONDS = 1.0  # ours: a full disk is looked at once a second
RELOAD_SECONDS = 15.0  # ours: ask the store again when it did not answer; reading a month's facts takes seconds
KEEP_DELIVERED = 1000  # facts kept after delivery, newest first; older rows are deleted with the next write


class JournalTrouble(Struct, frozen=True):
    """Effect: the disk refuses facts; new sessions wait until it takes them again (D3)."""

    reason: str


JournalEvent: TypeAlias = (
    Start
    | Tick
    | RowsLoaded
    | Committed
    | CommitFailed
    | RecordFact
    | RecoverSession
    | FactTaken
    | FactDelivered
    | FactsKnown
    | OfferAgain
)
JournalEffect: TypeAlias = (
    Write | Load | FactPersisted | FactOffered | FactsHeld | SessionRecovered | JournalTrouble | Alarm | WakeAt
)


def initial(journal: str, charge_points: Collection[str] | None = None) -> JournalState:
    return JournalState(journal, charge_points)


def step(state: JournalState, event: JournalEvent, now: Now) -> tuple[JournalState, tuple[JournalEffect, ...]]:
    """Mutates and returns `state`: the journal is one owner's, and its maps grow with the backend's outage."""
    match event:
        case Start():
            return state, (Load((TABLE,)), WakeAt(now.mono + RELOAD_SECONDS))
        case RowsLoaded():
            return state, _loaded(state, event, now)
        case RecordFact() | RecoverSession() if not state.loaded:
            state.waiting.append(event)
            return state, ()
        case RecordFact(fact):
            return state, _record(state, fact)
        case RecoverSession(point):
            return state, (SessionRecovered(point, state.open.get(point)),)
        case Committed(token):
            return state, _committed(state, token, now)
        case CommitFailed(token, reason):
            return state, _failed(state, token, reason, now)
        case FactTaken(fact_id):
            return state, _taken(state, fact_id)
        case FactDelivered(fact_id, transaction, at):
            return state, _delivered(state, fact_id, transaction, at)
        case OfferAgain():
            return state, ask_again(state, now)
        case FactsKnown():
            return state, _known(state, event, now)
        case Tick():
            return state, _tick(state, now)


def _loaded(state: JournalState, event: RowsLoaded, now: Now) -> tuple[JournalEffect, ...]:
    if state.loaded:
        return ()
    effects: list[JournalEffect] = []
    for row in event.rows:
        if row.key.isdigit():
            state.next_number = max(state.next_number, int(row.key) + 1)
        try:
            entry = entry_of(state.journal, row.key, row.body)
        except (ValueError, KeyError, TypeError) as error:
            effects.append(_unreadable(row.key, error))
            continue
        entry, never_dated = _of_this_boot(entry, now.boot)
        effects += never_dated
        number = entry.id.number
        state.numbers[key_of(entry.fact)] = number
        _follow(state, entry)
        if entry.delivered:
            state.delivered[number] = entry
        else:
            state.unfinished[number] = state.untaken[number] = entry
    state.loaded = True
    effects += (*offer(state, now), *_close_left(state))
    waiting, state.waiting = state.waiting, []
    for message in waiting:
        effects.extend(step(state, message, now)[1])
    return tuple(effects)


def _of_this_boot(entry: Entry, boot: str) -> tuple[Entry, tuple[Alarm, ...]]:
    """What an earlier run of the machine could not date goes out with the earliest it can have been (B-196)."""
    fact = entry.fact
    if fact.undated is None or fact.undated.boot == boot:
        return entry, ()
    entry = replace(entry, fact=replace(fact, undated=None))
    if entry.delivered or not isinstance(fact, SessionStarted):
        return entry, ()
    text = (
        f"session {fact.session} of charge point {fact.charge_point} began when this board did not know the time and "
        f"was switched off before it did: it is told as begun at {fact.at.isoformat()}, the earliest it can have been"
    )
    return entry, (Alarm(f"session-undated-{fact.session}", text),)


def _close_left(state: JournalState) -> tuple[JournalEffect, ...]:
    """The backend would keep the session of a charge point that left the configuration open for ever (D1)."""
    effects: list[JournalEffect] = []
    for point, known in state.open.items():
        if state.charge_points is not None and point not in state.charge_points:
            fact = _end_by_absence(known)
            text = (
                f"session {fact.session} of charge point {point}, which is no longer in the configuration, ends with "
                f"its last reading: {fact.meter_stop_wh} Wh at {fact.at.isoformat()}; if it charged on, mend the bill"
            )
            effects += (Alarm("session-closed", text), *_record(state, fact))
    return tuple(effects)


def _end_by_absence(known: OpenSession) -> SessionEnded:
    started = known.started
    return SessionEnded(
        started.session,
        known.last_ordinal + 1,
        started.charge_point,
        started.connector,
        known.last_at,
        known.last_energy_wh,
        StopReason.OTHER,
        None,
        known.last_undated,
    )


def _unreadable(key: str, error: Exception) -> Alarm:
    text = f"row {key} of table {TABLE} cannot be read ({error}); it is left in place: keep a copy of the database"
    return Alarm("journal-row-unreadable", text)


def _record(state: JournalState, fact: SessionFact) -> tuple[JournalEffect, ...]:
    key = key_of(fact)
    known = state.numbers.get(key)
    if known is not None:
        return () if known in state.pending else (FactPersisted(fact.charge_point, key),)
    number, state.next_number = state.next_number, state.next_number + 1
    entry = Entry(FactId(state.journal, number), fact)
    state.numbers[key] = number
    state.pending[number] = entry
    return (_write(state, (_put(entry), *_outdated(state))),)


def _put(entry: Entry) -> Put:
    return Put(TABLE, key_of_number(entry.id.number), entry_body(entry))


def _write(state: JournalState, rows: Rows) -> Write:
    token, state.next_token = state.next_token, state.next_token + 1
    state.writing[token] = rows
    return Write(rows, token)


def _outdated(state: JournalState) -> tuple[Delete, ...]:
    """Rows beyond the kept number. An open session keeps its first and its newest: a restart finds it by them (D1)."""
    surplus = sorted(state.delivered)[: max(0, len(state.delivered) - KEEP_DELIVERED)]
    if surplus:
        needed = {key for known in state.open.values() for key in _ends_of(known)}
        surplus = [number for number in surplus if key_of(state.delivered[number].fact) not in needed]
    for number in surplus:
        state.numbers.pop(key_of(state.delivered.pop(number).fact), None)
    return tuple(Delete(TABLE, key_of_number(number)) for number in surplus)


def _ends_of(known: OpenSession) -> tuple[FactKey, FactKey]:
    return key_of(known.started), FactKey(known.started.session, known.last_ordinal)


def _committed(state: JournalState, token: int, now: Now) -> tuple[JournalEffect, ...]:
    effects: list[JournalEffect] = []
    for row in state.writing.pop(token, ()):
        number = int(row.key)
        entry = state.pending.pop(number, None)
        if entry is None:
            continue
        state.unfinished[number] = state.untaken[number] = entry
        _follow(state, entry)
        effects.append(FactPersisted(entry.fact.charge_point, key_of(entry.fact)))
    return (*effects, *offer(state, now))


def _failed(state: JournalState, token: int, reason: str, now: Now) -> tuple[JournalEffect, ...]:
    state.refused += state.writing.pop(token, ())
    state.retry_at = now.mono + RETRY_COMMIT_SECONDS
    return (JournalTrouble(reason), WakeAt(state.retry_at))


def _taken(state: JournalState, fact_id: FactId) -> tuple[JournalEffect, ...]:
    if fact_id.journal == state.journal:
        state.untaken.pop(fact_id.number, None)
        state.offered_at.pop(fact_id.number, None)
    return ()


def _delivered(
    state: JournalState, fact_id: FactId, transaction: int | None, at: datetime | None
) -> tuple[JournalEffect, ...]:
    if fact_id.journal != state.journal or fact_id.number not in state.unfinished:
        return ()
    return (_write(state, (_put(_done(state, fact_id.number, transaction, at)),)),)


def _done(state: JournalState, number: int, transaction: int | None, at: datetime | None) -> Entry:
    """The time the backend was told is the fact's from now on: who is told it again is told the same (D1, B-196)."""
    entry = state.unfinished.pop(number)
    _taken(state, entry.id)
    if at is not None and entry.fact.undated is not None:
        entry = replace(entry, fact=replace(entry.fact, at=at, undated=None))
    done = replace(entry, delivered=True, transaction=transaction)
    state.delivered[number] = done
    _remember_transaction(state, done)
    return done


def _known(state: JournalState, known: FactsKnown, now: Now) -> tuple[JournalEffect, ...]:
    """How far the other side has the facts of a session: only those beyond are offered to it."""
    if known.journal != state.journal:
        return ()
    done: list[Put] = []
    for number in answered(state, known):
        entry = state.unfinished.get(number) or state.delivered.get(number)
        if entry is None:  # its row was outdated
            continue
        ordinal = entry.fact.ordinal
        if ordinal <= known.taken_through:
            _taken(state, entry.id)
        if ordinal <= known.delivered_through and number in state.unfinished:
            at = known.started_at if isinstance(entry.fact, SessionStarted) else None
            done.append(_put(_done(state, number, known.transaction, at)))
    written = (_write(state, tuple(done)),) if done else ()
    return (*written, *offer(state, now))


def _tick(state: JournalState, now: Now) -> tuple[JournalEffect, ...]:
    if not state.loaded:
        return (Load((TABLE,)), WakeAt(now.mono + RELOAD_SECONDS))
    effects: list[JournalEffect] = []
    if state.retry_at is not None and now.mono >= state.retry_at:
        state.retry_at = None
        missing, state.refused = _still_true(state), ()
        if missing:
            effects.append(_write(state, missing))
    effects.extend(offer(state, now))
    if state.retry_at is not None:  # asked for while this tick was pending, it was not taken
        effects.append(WakeAt(state.retry_at))
    return tuple(effects)


def _still_true(state: JournalState) -> Rows:
    """What the disk refused, but for rows whose deletion was asked for since: a start without its end comes no more."""
    return tuple(
        row
        for row in state.refused
        if isinstance(row, Delete) or int(row.key) in state.pending or int(row.key) in state.delivered
    )


def _follow(state: JournalState, entry: Entry) -> None:
    """Keep the open session of each charge point as the facts on disk tell it."""
    fact = entry.fact
    match fact:
        case SessionStarted():
            state.open[fact.charge_point] = OpenSession(
                fact, fact.ordinal, fact.at, fact.meter_start_wh, None, entry.transaction, fact.undated
            )
        case SessionMetered():
            current = state.open.get(fact.charge_point)
            if current is not None and current.started.session == fact.session:
                state.open[fact.charge_point] = replace(
                    current,
                    last_ordinal=max(current.last_ordinal, fact.ordinal),
                    last_at=max(current.last_at, fact.at) if fact.undated is current.last_undated else fact.at,
                    last_undated=fact.undated,
                    last_energy_wh=max(current.last_energy_wh, fact.sample.energy_wh),
                    last_sample=fact.sample,
                )
        case SessionEnded():
            current = state.open.get(fact.charge_point)
            if current is not None and current.started.session == fact.session:
                del state.open[fact.charge_point]


def _remember_transaction(state: JournalState, entry: Entry) -> None:
    current = state.open.get(entry.fact.charge_point)
    ours = current is not None and current.started.session == entry.fact.session
    if current is None or not ours or not isinstance(entry.fact, SessionStarted):
        return
    fact = entry.fact
    current = replace(current, transaction=entry.transaction, started=fact)
    if current.last_ordinal == fact.ordinal:
        current = replace(current, last_at=fact.at, last_undated=fact.undated)
    state.open[fact.charge_point] = current

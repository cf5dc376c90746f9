"""The journal's step: number, persist, acknowledge, offer until taken, keep until delivered (safety: Journal).

A fact is written before it is acknowledged to its charge point; a resend of a fact that is already on disk is
acknowledged again and not written twice. After a restart everything is rebuilt from the rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from park.exchange.messages import OfferAgain
from park.journal.codec import Entry, entry_body, entry_of, key_of_number
from park.model.alarm import Alarm
from park.model.session import (
    FactDelivered,
    FactId,
    FactKey,
    FactOffered,
    FactPersisted,
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
OFFER_AGAIN_SECONDS = 10.0  # ours: the central system answers within a commit; only a crash makes it miss one
RETRY_COMMIT_SECONDS = 1.0  # ours: a full disk is looked at once a second
RELOAD_SECONDS = 15.0  # ours: ask the store again when it did not answer; reading a month's facts takes seconds
KEEP_DELIVERED = 1000  # facts kept after delivery, newest first; older rows are deleted with the next write


Rows: TypeAlias = tuple[Put | Delete, ...]


@dataclass(frozen=True, slots=True)
class JournalTrouble:
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
    | OfferAgain
)
JournalEffect: TypeAlias = (
    Write | Load | FactPersisted | FactOffered | SessionRecovered | JournalTrouble | Alarm | WakeAt
)


@dataclass(slots=True)
class JournalState:
    """By number: `pending` being written, `untaken` on disk but not in the queue, `unfinished` not delivered.

    `charge_points`: those of the configuration, None: whoever comes. `writing`: rows of each commit under way, by
    token. `refused`: rows the disk did not take, oldest first.
    """

    journal: str
    charge_points: Collection[str] | None = None
    loaded: bool = False
    next_number: int = 1
    next_token: int = 1
    numbers: dict[FactKey, int] = field(default_factory=dict[FactKey, int])
    pending: dict[int, Entry] = field(default_factory=dict[int, Entry])
    writing: dict[int, Rows] = field(default_factory=dict[int, Rows])
    refused: Rows = ()
    untaken: dict[int, Entry] = field(default_factory=dict[int, Entry])
    unfinished: dict[int, Entry] = field(default_factory=dict[int, Entry])
    delivered: dict[int, Entry] = field(default_factory=dict[int, Entry])
    open: dict[str, OpenSession] = field(default_factory=dict[str, OpenSession])
    waiting: list[RecordFact | RecoverSession] = field(default_factory=list[RecordFact | RecoverSession])
    offered_at: dict[int, float] = field(default_factory=dict[int, float])
    retry_at: float | None = None


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
        case FactDelivered(fact_id, transaction):
            return state, _delivered(state, fact_id, transaction)
        case OfferAgain():
            return state, _offer_again(state, now)
        case Tick():
            return state, _tick(state, now)


def _offer_again(state: JournalState, now: Now) -> tuple[JournalEffect, ...]:
    """Whoever took facts may have lost them, or what it said of them: all that is not delivered goes out again.

    With it go the delivered facts of sessions that are not over: a server with a new disk knows nothing of their start,
    and to one that knows them they are no news (D2).
    """
    state.untaken = _of_unfinished_sessions(state) | state.unfinished
    state.offered_at.clear()
    return _offer(state, now)


def _of_unfinished_sessions(state: JournalState) -> dict[int, Entry]:
    """Delivered facts of sessions that are open, or have others that are not delivered."""
    sessions = {entry.fact.session for entry in state.unfinished.values()}
    sessions |= {known.started.session for known in state.open.values()}
    return {number: entry for number, entry in state.delivered.items() if entry.fact.session in sessions}


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
        number = entry.id.number
        state.numbers[key_of(entry.fact)] = number
        _follow(state, entry)
        if entry.delivered:
            state.delivered[number] = entry
        else:
            state.unfinished[number] = state.untaken[number] = entry
    state.loaded = True
    effects += (*_offer(state, now), *_close_left(state))
    waiting, state.waiting = state.waiting, []
    for message in waiting:
        effects.extend(step(state, message, now)[1])
    return tuple(effects)


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
    return (*effects, *_offer(state, now))


def _failed(state: JournalState, token: int, reason: str, now: Now) -> tuple[JournalEffect, ...]:
    state.refused += state.writing.pop(token, ())
    state.retry_at = now.mono + RETRY_COMMIT_SECONDS
    return (JournalTrouble(reason), WakeAt(state.retry_at))


def _taken(state: JournalState, fact_id: FactId) -> tuple[JournalEffect, ...]:
    if fact_id.journal == state.journal:
        state.untaken.pop(fact_id.number, None)
        state.offered_at.pop(fact_id.number, None)
    return ()


def _delivered(state: JournalState, fact_id: FactId, transaction: int | None) -> tuple[JournalEffect, ...]:
    if fact_id.journal != state.journal or fact_id.number not in state.unfinished:
        return ()
    entry = state.unfinished.pop(fact_id.number)
    _taken(state, fact_id)
    done = replace(entry, delivered=True, transaction=transaction)
    state.delivered[fact_id.number] = done
    _remember_transaction(state, done)
    return (_write(state, (_put(done),)),)


def _tick(state: JournalState, now: Now) -> tuple[JournalEffect, ...]:
    if not state.loaded:
        return (Load((TABLE,)), WakeAt(now.mono + RELOAD_SECONDS))
    effects: list[JournalEffect] = []
    if state.retry_at is not None and now.mono >= state.retry_at:
        state.retry_at = None
        missing, state.refused = _still_true(state), ()
        if missing:
            effects.append(_write(state, missing))
    effects.extend(_offer(state, now))
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


def _offer(state: JournalState, now: Now) -> tuple[JournalEffect, ...]:
    """Offer what nobody has taken: at once when new, again after a while, always in the order of the numbers."""
    if not state.untaken:
        return ()
    effects: list[JournalEffect] = []
    for number in sorted(state.untaken):
        if now.mono >= state.offered_at.get(number, now.mono):
            entry = state.untaken[number]
            effects.append(FactOffered(entry.id, entry.fact))
            state.offered_at[number] = now.mono + OFFER_AGAIN_SECONDS
    effects.append(WakeAt(min(state.offered_at[number] for number in state.untaken)))
    return tuple(effects)


def _follow(state: JournalState, entry: Entry) -> None:
    """Keep the open session of each charge point as the facts on disk tell it."""
    fact = entry.fact
    match fact:
        case SessionStarted():
            state.open[fact.charge_point] = OpenSession(
                fact, fact.ordinal, fact.at, fact.meter_start_wh, None, entry.transaction
            )
        case SessionMetered():
            current = state.open.get(fact.charge_point)
            if current is not None and current.started.session == fact.session:
                state.open[fact.charge_point] = replace(
                    current,
                    last_ordinal=max(current.last_ordinal, fact.ordinal),
                    last_at=max(current.last_at, fact.at),
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
    if current is not None and ours and isinstance(entry.fact, SessionStarted):
        state.open[entry.fact.charge_point] = replace(current, transaction=entry.transaction)

"""Facts of a board that did not know the date get it afterwards: by its monotonic clock, once somebody tells (B-196).

Nothing is withheld for it: such facts are queued like others, and dated on disk before the first of them is sent, so
that every transmission tells the same times (D1). What an earlier run of the machine could not date keeps the earliest
time it can have been.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from park.model.session import FactOffered, SessionFact, SessionMetered, SessionStarted
from park.model.storage import Put, Row
from park.model.time import Now
from park.ocpp.features import transaction_data
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import deferred
from park.ocpp.rows import Entry
from park.ocpp.state import CentralSystem

TOGETHER = 100  # facts dated in one commit, about: as many as one takes in
AGAIN_SECONDS = 1.0  # ours: a full disk is looked at once a second


def arrived(state: CentralSystem, offered: FactOffered, now: Now) -> FactOffered:
    """A fact as it is queued: with its date, where that is known by now."""
    fact = _dated(state, offered.fact, now)
    return offered if fact is offered.fact else replace(offered, fact=fact)


def _dated(state: CentralSystem, fact: SessionFact, now: Now) -> SessionFact:
    """The same fact where nobody knows its date yet."""
    undated = fact.undated
    if undated is None:
        return fact
    if undated.boot != now.boot:
        return replace(fact, undated=None)
    known = _known_date(state, now)
    if known is None:
        return fact
    date, mono = known
    return replace(fact, at=date - timedelta(seconds=mono - undated.mono), undated=None)


def _known_date(state: CentralSystem, now: Now) -> tuple[datetime, float] | None:
    """A date and the mono it belongs to: of this board's clock, else of the backend's."""
    return (now.wall, now.mono) if now.known else state.dating.told


def _settle(state: CentralSystem, now: Now) -> Turn:
    """Sessions with facts that can be dated, the oldest first, some at a time."""
    dating = state.dating
    if dating.busy or now.mono < dating.not_before or next(state.queue.backlog.undated, None) is None:
        return state, ()
    if _known_date(state, now) is None:
        return state, ()
    change = _Dates.of(state, _oldest(state), now)
    state = replace(state, dating=replace(dating, busy=True))
    return deferred(state, change.rows(state), change)


def _oldest(state: CentralSystem) -> list[str]:
    return list(dict.fromkeys(entry.fact.session for entry in islice(state.queue.backlog.undated, TOGETHER)))


class _Dates(Struct, frozen=True):
    """Entries and repeated readings as they are when their dates are on disk."""

    entries: tuple[Entry, ...]
    repeated: tuple[SessionMetered, ...]

    @classmethod
    def of(cls, state: CentralSystem, sessions: Iterable[str], now: Now) -> _Dates:
        entries: list[Entry] = []
        repeated: list[SessionMetered] = []
        for session in sessions:
            entries += _in_order(state, state.queue.backlog.of_session(session), now)
            for reading in state.repeated.get(session, ()):
                fact = _dated(state, reading, now)
                if isinstance(fact, SessionMetered) and fact is not reading:
                    repeated.append(fact)
        return cls(tuple(entries), tuple(repeated))

    def rows(self, state: CentralSystem) -> list[Put]:
        rows = [state.queue.rows.put_entry(entry) for entry in self.entries]
        return rows + [transaction_data.row(state, fact) for fact in self.repeated]

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        """In force now; on a full disk they are found again later, and nothing is sent until then."""
        if not on_disk:
            again = replace(state.dating, busy=False, not_before=now.mono + AGAIN_SECONDS)
            return replace(state, dating=again), ()
        for entry in self.entries:
            state.queue.backlog.redate(entry)
            _note(state, entry.fact)
        for fact in self.repeated:
            known = state.repeated.get(fact.session, [])
            known[:] = [fact if each.ordinal == fact.ordinal else each for each in known]
        return replace(state, dating=replace(state.dating, busy=False)), ()


def _in_order(state: CentralSystem, entries: Iterable[Entry], now: Now) -> list[Entry]:
    """The entries of a session that change. An end that the server made of a reading follows that reading's date."""
    changed: list[Entry] = []
    latest: datetime | None = None
    for entry in entries:
        fact = _dated(state, entry.fact, now)
        if latest is not None and fact.undated is None and fact.at < latest:
            fact = replace(fact, at=latest)
        latest = fact.at
        if fact is not entry.fact:
            changed.append(replace(entry, fact=fact))
    return changed


def _note(state: CentralSystem, fact: SessionFact) -> None:
    """What is known of the transaction follows its facts."""
    known = state.queue.transactions.get(fact.session)
    if known is None:
        return
    if isinstance(fact, SessionStarted):
        state.queue.transactions.put(replace(known, start=fact))
    elif isinstance(fact, SessionMetered):
        state.queue.transactions.put(replace(known, last_at=fact.at))


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    """Facts of an earlier run of the machine have the only date they will ever have."""
    for entry in tuple(state.queue.backlog.undated):
        fact = entry.fact
        if fact.undated is not None and fact.undated.boot != now.boot:
            certain = replace(entry, fact=replace(fact, undated=None))
            state.queue.backlog.redate(certain)
            _note(state, certain.fact)
    return state, ()


def _deadline(state: CentralSystem) -> float | None:
    """Only a full disk is waited for by the clock."""
    dating = state.dating
    waits = not dating.busy and next(state.queue.backlog.undated, None) is not None
    return dating.not_before if waits and dating.not_before > 0.0 else None


FEATURE = Feature({}, load=_load, settle=_settle, deadline=_deadline)

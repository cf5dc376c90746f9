"""Readings that StopTransaction repeats: kept on disk from their arrival until the backend has the stop (B-072)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from park.journal.codec import FactRow, fact_of, fact_row
from park.model.session import FactOffered, SessionFact, SessionMetered
from park.model.storage import Delete, Put, Row
from park.model.time import Now
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import deferred
from park.ocpp.payloads import stop_key
from park.ocpp.rows import Fate
from park.ocpp.state import CentralSystem

TABLE = "transaction_data"
MOST = 100  # readings of a session; then every second one is left out, as OCPP 1.6 §9.1.27 allows


class _Forgotten(Struct, frozen=True):
    """The rows of these sessions are gone; on a full disk they are deleted later, with others."""

    sessions: tuple[str, ...]

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        if not on_disk:
            return state, ()
        for session in self.sessions:
            state.repeated.pop(session, None)
        return replace(state, forgetting=state.forgetting - frozenset(self.sessions)), ()


def wanted(state: CentralSystem, offered: Iterable[FactOffered]) -> tuple[Put | Delete, ...]:
    """The rows of the readings in a batch that a stop will repeat; beside the batch itself, in the same commit."""
    rows: list[Put | Delete] = []
    for each in offered:
        fact = each.fact
        if isinstance(fact, SessionMetered) and _is_wanted(state, fact):
            rows += _kept(state, fact)
    return tuple(rows)


def _is_wanted(state: CentralSystem, fact: SessionMetered) -> bool:
    """What a meter signed is always told: a bill rests on it."""
    return fact.sample.signed is not None or bool(state.values.text(stop_key(fact.context)))


def _kept(state: CentralSystem, fact: SessionMetered) -> tuple[Put | Delete, ...]:
    known = state.repeated.setdefault(fact.session, [])
    put = row(state, fact)
    if known and fact.ordinal <= known[-1].ordinal:  # offered again: the disk refused it
        return (put,) if fact in known else ()
    gone: list[SessionMetered] = []
    if len(known) >= MOST:
        gone = known[1::2]
        known[:] = [reading for reading in known if reading not in gone]
    known.append(fact)
    return (*(Delete(TABLE, _key(state, reading)) for reading in gone), put)


def row(state: CentralSystem, fact: SessionMetered) -> Put:
    """A reading as it is kept."""
    return Put(TABLE, _key(state, fact), json.dumps(fact_row(fact), separators=(",", ":")))


def _key(state: CentralSystem, fact: SessionFact) -> str:
    return state.queue.rows.key(f"{fact.session}/{fact.ordinal:08d}")


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    repeated: dict[str, list[SessionMetered]] = {}
    for _, body in state.queue.rows.mine(rows, TABLE):
        try:
            fact = fact_of(cast("FactRow", json.loads(body)))
        except (ValueError, KeyError, TypeError):  # what a stop repeats has been told before
            continue
        if isinstance(fact, SessionMetered):
            repeated.setdefault(fact.session, []).append(fact)
    return replace(state, repeated=repeated), ()


def _settle(state: CentralSystem, now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    """Forget what belongs to sessions that are over, at the backend or as dead letters."""
    if len(state.repeated) == len(state.forgetting):
        return state, ()
    over = tuple(each for each in state.repeated if each not in state.forgetting and _is_over(state, each))
    if not over:
        return state, ()
    rows = [Delete(TABLE, _key(state, fact)) for session in over for fact in state.repeated[session]]
    state = replace(state, forgetting=state.forgetting | frozenset(over))
    return deferred(state, rows, _Forgotten(over))


def _is_over(state: CentralSystem, session: str) -> bool:
    known = state.queue.transactions.get(session)
    if known is None:  # long delivered, or its start is not on disk yet
        return state.queue.delivered.get(session) is not None or session in state.queue.dead
    return known.fate is not Fate.OPEN


FEATURE = Feature({}, tables=(TABLE,), load=_load, settle=_settle)

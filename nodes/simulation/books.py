"""D1: what the backend holds, compared with the facts that the charge points stated, session by session."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from nodes.virtual.ledger import Ledger, LedgerTransaction
from park.load.invariants import Violation
from park.model.session import SessionEnded, SessionFact, SessionMetered, SessionStarted
from park.ocpp.wire import iso

FactId = tuple[str, int]
"""Session and ordinal."""


Key = tuple[int, str, int, str]
"""Connector, id tag, register at the start, time of the start: what a session is told by at the backend (D1)."""


def data_violations(
    facts: Mapping[FactId, SessionFact], ledger: Ledger, now: float, orphans: Collection[Key] = ()
) -> list[Violation]:
    """Every session has one start, its readings and one stop at the backend, in order, and there is nothing else.

    `orphans`: sessions whose board lost its disk before all of them was delivered.
    """
    everything = ledger.transactions()
    transactions = [each for each in everything if _key(each) not in orphans]
    by_key = {_key(each): each for each in transactions}
    sessions = _by_session(facts)
    found = [
        Violation("D1", now, session, problem)
        for session, stated in sessions.items()
        if (problem := _difference(stated, by_key)) is not None
    ]
    if len(by_key) != len(transactions):
        found.append(Violation("D1", now, "ledger", "two transactions with one key"))
    if len(transactions) != len(sessions):
        found.append(Violation("D1", now, "ledger", f"{len(transactions)} transactions, {len(sessions)} sessions"))
    found += [Violation("D1", now, "orphan", text) for text in _left_open(everything, orphans)]
    return found + [Violation("D1", now, "ledger", text) for text in ledger.strangers()]


def key_of_start(fact: SessionStarted) -> Key:
    return (fact.connector, fact.id_tag, fact.meter_start_wh, iso(fact.at))


def _key(transaction: LedgerTransaction) -> Key:
    return (transaction.connector, transaction.id_tag, transaction.meter_start, transaction.started_at)


def _left_open(transactions: Sequence[LedgerTransaction], orphans: Collection[Key]) -> Iterator[str]:
    """Nobody is left to end an orphan but the server, once, when the next session begins there."""
    begun: set[int] = set()
    for each in reversed(transactions):
        if _key(each) in orphans:
            least = 1 if each.connector in begun else 0
            if not least <= each.different_stops <= 1:
                yield f"connector {each.connector} at {each.started_at}: {each.different_stops} stops"
        begun.add(each.connector)


def _by_session(facts: Mapping[FactId, SessionFact]) -> dict[str, list[SessionFact]]:
    sessions: dict[str, list[SessionFact]] = {}
    for (session, _), fact in sorted(facts.items()):
        sessions.setdefault(session, []).append(fact)
    return sessions


def _difference(facts: Sequence[SessionFact], ledger: Mapping[Key, LedgerTransaction]) -> str | None:
    """What is wrong about one session at the backend; None: nothing."""
    start = next((fact for fact in facts if isinstance(fact, SessionStarted)), None)
    if start is None:
        return "no start fact"
    found = ledger.get(key_of_start(start))
    if found is None:
        return f"not in the ledger: connector {start.connector} at {iso(start.at)}"
    ends = [fact for fact in facts if isinstance(fact, SessionEnded)]
    if len(ends) != 1 or found.different_stops != 1:
        return f"{len(ends)} ends, {found.different_stops} different stops at the backend"
    if found.meter_stop != ends[0].meter_stop_wh:
        return f"ended at {ends[0].meter_stop_wh} Wh, the backend has {found.meter_stop} Wh"
    readings = [fact for fact in facts if isinstance(fact, SessionMetered)]
    different = len({(iso(fact.at), fact.context, fact.sample) for fact in readings})
    if not different <= found.readings <= len(readings):  # alike ones, of a clock set back, count as one there
        return f"{len(readings)} readings, the backend has {found.readings}"
    return None if found.order_kept else "start, readings and stop are out of order at the backend"

"""Memory of delivered sessions: whatever others charged meanwhile, nothing is sent twice (D1)."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from park.model.session import FactDelivered
from park.ocpp.delivered import KEPT, DeliveredSessions
from park.ocpp.rows import DELIVERED, TRANSACTIONS, DeliveredSession, Fate, Rows, Transaction
from tests.support.facts import BEGAN, ended, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

MEANWHILE = 5_000  # sessions of others; 2 000 are kept whole
LIVE = 200  # of them through the whole step, the others as rows an earlier run left


def known(session: str, journal: str, days: float) -> DeliveredSession:
    return DeliveredSession(session, journal, 1, 7, closed=False, at=WALL + timedelta(days=days))


def test_a_board_that_was_away_for_5000_sessions_has_nothing_sent_twice() -> None:
    station = Station().online()
    away = [f"s{number}" for number in range(1, 4)]
    for session in away:
        charge(station, session, "of the board that was away")
    left_behind(station, range(1_000, 1_000 + MEANWHILE - LIVE))
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    for number in range(10, 10 + LIVE):
        charge(station, f"s{number}", "of the others")
    assert [key for table, key in station.disk if table == TRANSACTIONS and key in of_the_board(away)] == []
    assert sum(table == DELIVERED for table, _ in station.disk) == LIVE
    for _ in range(2):
        station.clear()
        for session in away:
            station.offer(started(session), ended(session, 1), journal="of the board that was away")
        assert station.sent == []
        assert len(station.of(FactDelivered)) == 2 * len(away)
        station.restart()
        station.connect()
        station.answer(ACCEPTED)
        station.answer({})


def of_the_board(sessions: list[str]) -> set[str]:
    return {f"GARAGE/{session}" for session in sessions}


def left_behind(station: Station, numbers: range) -> None:
    """Rows of finished sessions, younger than those of the board."""
    for number in numbers:
        start = replace(started(f"s{number}"), at=BEGAN + timedelta(seconds=number))
        row = Rows("GARAGE").put_transaction(Transaction(start, number, 1, 1, ended=True, fate=Fate.FINISHED))
        station.disk[row.table, row.key] = row.body


def charge(station: Station, session: str, journal: str) -> None:
    station.offer(started(session), ended(session, 1), journal=journal)
    station.answer(started_answer(int(session[1:])))
    station.answer({})
    station.clear()


def test_a_session_is_forgotten_30_days_later_and_only_for_its_own_journal() -> None:
    month = KEPT.days
    sessions = DeliveredSessions([known("a", "one", 0), known("b", "two", 0), known("c", "one", 1)])
    assert sessions.outdated(known("d", "one", month - 1)) == ()
    assert sessions.outdated(known("d", "one", month + 0.5)) == ("a",)
    assert sessions.outdated(known("d", "one", 3 * month)) == ("a", "c")
    sessions.forget(("a", "c"))
    assert sessions.get("a") is None
    assert sessions.get("b") is not None
    assert len(sessions) == 1

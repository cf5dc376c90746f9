"""A board meets its server again: nothing is lost, nothing doubled, and not every fact goes over the wire each time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from park.exchange.messages import OfferAgain
from park.journal import journal
from park.journal.journal import JournalEvent
from park.journal.offering import NAMED_TOGETHER, OFFER_AGAIN_SECONDS
from park.model.session import (
    FactDelivered,
    FactOffered,
    FactsHeld,
    FactsKnown,
    FactTaken,
    RecordFact,
    SessionFact,
)
from park.model.signals import Start, Tick
from park.model.storage import Committed, Delete, Put, Row, RowsLoaded, Write
from park.model.time import Now
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

MOST_CALLS = 500


class Board:
    """A journal with its disk, and the wire to a server that may be cut. `crossed`: what went up it."""

    def __init__(self, server: Station) -> None:
        self.server = server
        self.disk: dict[str, str] = {}
        self.crossed: list[FactOffered | FactsHeld] = []
        self.cut = False
        self.deaf = False  # what is said to the board is lost
        self.answers = True  # False: a server of an older version
        self.boot()

    def boot(self) -> None:
        self.state = journal.initial("j")
        self.tell(Start())
        self.tell(RowsLoaded(tuple(Row("journal", key, self.disk[key]) for key in sorted(self.disk))))

    def tell(self, event: JournalEvent) -> None:
        self.state, effects = journal.step(self.state, event, Now(self.server.mono, WALL))
        for effect in effects:
            if isinstance(effect, Write):
                for row in effect.writes:
                    match row:
                        case Put(_, key, body):
                            self.disk[key] = body
                        case Delete(_, key):
                            self.disk.pop(key, None)
                self.tell(Committed(effect.token))
            elif isinstance(effect, FactOffered | FactsHeld) and not self.cut:
                self._up(effect)

    def _up(self, message: FactOffered | FactsHeld) -> None:
        self.crossed.append(message)
        if isinstance(message, FactsHeld) and not self.answers:
            return
        self.hear(self.server.tell(message))

    def hear(self, said: list) -> None:  # type: ignore[type-arg]
        for message in said:
            if isinstance(message, FactTaken | FactDelivered | FactsKnown) and not (self.cut or self.deaf):
                self.tell(message)

    def record(self, *facts: SessionFact) -> None:
        for fact in facts:
            self.tell(RecordFact(fact))

    def reconnect(self) -> list[FactOffered | FactsHeld]:
        """What crosses when they meet again."""
        self.cut = self.deaf = False
        self.crossed.clear()
        self.tell(OfferAgain())
        return list(self.crossed)

    def wait(self, seconds: float) -> None:
        self.server.mono += seconds
        self.tell(Tick())

    def drained(self) -> None:
        """The backend answers everything."""
        for number in range(101, 101 + MOST_CALLS):
            if not self.server.queued() or self.server.state.link is None:
                return
            call = self.server.sent[-1]
            self.hear(self.server.answer(started_answer(number) if call.action == "StartTransaction" else {}))
        raise AssertionError(f"{self.server.queued()} facts stay in the queue")


def offline() -> Station:
    """A server whose backend is away."""
    station = Station()
    station.start()
    return station


def online(station: Station) -> None:
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})


def session(name: str, readings: int = 50) -> list[SessionFact]:
    return [started(name), *(metered(name, ordinal) for ordinal in range(1, readings + 1)), ended(name, readings + 1)]


def test_in_a_long_outage_of_the_backend_a_reconnect_names_sessions_and_offers_nothing_again() -> None:
    board = Board(offline())
    for number in range(1, 2 * NAMED_TOGETHER + 2):
        board.record(*session(f"s{number}", 3))
    assert board.server.queued() == 5 * (2 * NAMED_TOGETHER + 1)
    crossed = board.reconnect()
    assert [type(each) for each in crossed] == [FactsHeld] * 3
    board.wait(100.0)
    assert [each for each in board.crossed if isinstance(each, FactOffered)] == []
    board.boot()  # nor after a restart of the board, but for what it offers by itself before it hears the server
    assert [type(each) for each in board.reconnect()] == [FactsHeld] * 3


def test_what_was_delivered_while_the_board_was_away_is_known_in_one_write() -> None:
    server = offline()
    board = Board(server)
    board.record(*session("s1"))
    board.cut = True
    online(server)
    board.drained()
    assert len(board.state.unfinished) == 52
    token = board.state.next_token
    assert [type(each) for each in board.reconnect()] == [FactsHeld]
    assert board.state.unfinished == {}
    assert board.state.next_token == token + 1
    assert {entry.transaction for entry in board.state.delivered.values()} == {101}
    assert board.reconnect() == []


def test_only_what_the_server_has_not_is_offered() -> None:
    board = Board(offline())
    board.record(started(), metered(ordinal=1))
    board.cut = True
    board.record(metered(ordinal=2), ended(ordinal=3), *session("s2", 1))
    named, *offered = board.reconnect()
    assert named == FactsHeld("j", ("s1", "s2"))
    assert [each.id.number for each in offered if isinstance(each, FactOffered)] == [3, 4, 5, 6, 7]


def test_a_new_disk_of_the_server_gets_everything_that_is_not_over() -> None:
    board = Board(offline())
    board.record(*session("s1", 2), started("s2"), metered("s2", 1))
    board.server = offline()
    offered = [each.fact for each in board.reconnect() if isinstance(each, FactOffered)]
    assert len(offered) == 6
    assert board.server.queued() == 6


def test_a_server_restored_from_a_backup_is_offered_what_it_lost() -> None:
    board = Board(offline())
    board.record(started(), metered(ordinal=1))
    backup = dict(board.server.disk)
    board.record(metered(ordinal=2))
    board.server.disk = backup
    board.server.restart()
    assert [each.fact.ordinal for each in board.reconnect() if isinstance(each, FactOffered)] == [2]


def test_a_server_that_does_not_understand_is_offered_everything_after_a_while() -> None:
    board = Board(offline())
    board.record(*session("s1", 2))
    board.answers = False
    assert [type(each) for each in board.reconnect()] == [FactsHeld]
    board.wait(OFFER_AGAIN_SECONDS + 0.1)
    assert sum(isinstance(each, FactOffered) for each in board.crossed) == 4


def test_what_happens_while_the_server_is_asked_waits_for_its_answer_but_another_session_does_not() -> None:
    board = Board(offline())
    board.record(started())
    board.answers = False
    board.reconnect()
    board.record(ended(ordinal=1), started("s2"))
    assert [each.fact.session for each in board.crossed if isinstance(each, FactOffered)] == ["s2"]


def test_a_server_that_is_still_reading_its_disk_answers_when_it_has_read_it() -> None:
    board = Board(Station())
    assert [each for each in board.server.tell(FactsHeld("j", ("s1",))) if isinstance(each, FactsKnown)] == []
    said = board.server.tell(RowsLoaded(()))
    assert [each for each in said if isinstance(each, FactsKnown)] == [FactsKnown("j", "s1", -1, -1, None)]


def test_the_session_of_another_journal_is_not_known() -> None:
    board = Board(offline())
    board.record(started())
    (known,) = board.server.tell(FactsHeld("another", ("s1",)))[:1]
    assert known == FactsKnown("another", "s1", -1, -1, None)


@pytest.mark.parametrize("journal_name", ["j", "other"])
def test_answers_for_other_journals_and_sessions_change_nothing(journal_name: str) -> None:
    board = Board(offline())
    board.cut = True
    board.record(started())
    board.tell(FactsKnown(journal_name, "s1" if journal_name == "other" else "s9", 5, 5, 1))
    assert set(board.state.unfinished) == {1}


STEPS = st.lists(st.sampled_from(["fact", "cut", "deaf", "meet", "boot", "backend", "server", "wait"]), max_size=40)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_happens_every_fact_is_delivered_once_and_its_journal_knows(steps: list[str]) -> None:
    server = offline()
    board = Board(server)
    facts = [fact for number in range(1, 6) for fact in session(f"s{number}", 2)]
    told = 0
    for step in steps:
        match step:
            case "fact" if told < len(facts):
                board.record(facts[told])
                told += 1
            case "cut":
                board.cut = True
            case "deaf":
                board.deaf = True
            case "meet":
                board.reconnect()
            case "boot":
                board.boot()
            case "backend" if server.state.link is None:
                online(server)
                board.drained()
            case "server":
                server.restart()
            case _:
                board.wait(OFFER_AGAIN_SECONDS + 1.0)
    board.record(*facts[told:])
    if server.state.link is None:
        online(server)
    for _ in range(4):
        board.reconnect()
        board.wait(OFFER_AGAIN_SECONDS + 1.0)
        board.drained()
    assert server.queued() == 0
    assert board.state.unfinished == {}
    assert set(board.state.delivered) == set(range(1, len(facts) + 1))
    assert server.dead() == []
    starts = [call for call in server.sent if call.action == "StartTransaction"]
    assert len(starts) >= 5

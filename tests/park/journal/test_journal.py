"""The journal: no fact acknowledged before it is on disk, none written twice, none forgotten over a restart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.facts import ended, metered, started

from park.exchange.messages import OfferAgain
from park.journal import journal
from park.journal.codec import Entry, entry_body, entry_of, key_of_number
from park.journal.journal import JournalEvent, Write
from park.journal.offering import OFFER_AGAIN_SECONDS
from park.model.alarm import Alarm
from park.model.metering import Sample
from park.model.session import (
    FactDelivered,
    FactId,
    FactOffered,
    FactPersisted,
    FactsHeld,
    FactsKnown,
    FactTaken,
    ReadingContext,
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
from park.model.storage import CommitFailed, Committed, Delete, Put, Row, RowsLoaded
from park.model.time import BootTime, Now

WALL = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Bench:
    """A journal beside a disk whose commits are answered by hand."""

    disk: dict[str, str] = field(default_factory=dict)
    mono: float = 0.0
    waiting: list[Write] = field(default_factory=list)
    said: list[object] = field(default_factory=list)
    points: frozenset[str] | None = None
    machine: str = ""

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        self.state, self.waiting, self.said = journal.initial("J", self.points), [], []
        self.tell(Start())
        self.tell(RowsLoaded(tuple(Row("journal", key, self.disk[key]) for key in sorted(self.disk))))

    def tell(self, event: JournalEvent) -> list[object]:
        self.state, effects = journal.step(self.state, event, Now(self.mono, WALL, boot=self.machine))
        self.waiting += [effect for effect in effects if isinstance(effect, Write)]
        self.said += effects
        return list(effects)

    def commit(self) -> list[object]:
        write = self.waiting.pop(0)
        for row in write.writes:
            match row:
                case Put(_, key, body):
                    self.disk[key] = body
                case Delete(_, key):
                    self.disk.pop(key, None)
        return self.tell(Committed(write.token))

    def meets_a_stranger(self) -> None:
        """A server that knows none of its sessions."""
        for held in [effect for effect in self.tell(OfferAgain()) if isinstance(effect, FactsHeld)]:
            for session in held.sessions:
                self.tell(FactsKnown(held.journal, session, -1, -1, None))

    def record(self, *facts: SessionFact) -> None:
        for fact in facts:
            self.tell(RecordFact(fact))
            self.commit()

    def offered(self) -> list[int]:
        return [effect.id.number for effect in self.said if isinstance(effect, FactOffered)]


def test_the_newest_time_of_an_open_session_is_kept_whatever_the_clock_did_later() -> None:
    bench = Bench()
    late = metered(ordinal=60)
    bench.record(started(), late, replace(metered(ordinal=61), at=late.at - timedelta(days=1)))
    bench.boot()
    (recovered,) = bench.tell(RecoverSession("cp1"))
    assert isinstance(recovered, SessionRecovered)
    assert recovered.open_session is not None
    assert recovered.open_session.last_at == late.at


@pytest.mark.rule("B-196")
def test_a_fact_without_a_date_is_offered_as_it_is_until_the_machine_boots_again() -> None:
    bench = Bench(machine="b1")
    fact = replace(started(), undated=BootTime("b1", 7.5))
    bench.record(fact)
    bench.boot()
    assert [effect.fact for effect in bench.said if isinstance(effect, FactOffered)] == [fact]
    bench.machine = "b2"
    bench.boot()
    assert [effect.fact for effect in bench.said if isinstance(effect, FactOffered)] == [started()]
    (alarm,) = (effect for effect in bench.said if isinstance(effect, Alarm))
    assert "earliest" in alarm.text
    assert alarm.code == "session-undated-s1"


TOLD = WALL + timedelta(hours=3)


@pytest.mark.rule("B-196")
@pytest.mark.parametrize("boots", [False, True])
@pytest.mark.parametrize("lost", [False, True], ids=["told as delivered", "known when asked"])
def test_the_time_the_backend_was_told_is_the_fact_s_from_then_on(*, boots: bool, lost: bool) -> None:
    """Whoever is told it again, a server whose database was lost, hears no other time (D1)."""
    bench = Bench(machine="b1")
    bench.record(replace(started(), undated=BootTime("b1", 7.5)))
    if lost:
        bench.tell(OfferAgain())
        bench.tell(FactsKnown("J", "s1", 0, 0, 1001, TOLD))
    else:
        bench.tell(FactDelivered(FactId("J", 1), 1001, TOLD))
    bench.commit()
    if boots:
        bench.boot()
    bench.said.clear()
    bench.meets_a_stranger()
    assert [each.fact for each in bench.said if isinstance(each, FactOffered)] == [replace(started(), at=TOLD)]
    (recovered,) = bench.tell(RecoverSession("cp1"))
    assert isinstance(recovered, SessionRecovered)
    assert recovered.open_session is not None
    assert (recovered.open_session.started.at, recovered.open_session.last_at) == (TOLD, TOLD)
    assert recovered.open_session.last_undated is None


@pytest.mark.rule("B-196")
def test_a_fact_whose_date_was_known_keeps_its_own() -> None:
    bench = Bench(machine="b1")
    bench.record(started())
    bench.tell(FactDelivered(FactId("J", 1), 1001, TOLD))
    bench.commit()
    bench.meets_a_stranger()
    assert [each.fact for each in bench.said if isinstance(each, FactOffered)][-1] == started()


LEFT = SessionEnded("s1", 2, "cp1", 1, metered().at, 1700, StopReason.OTHER, None)


def test_the_session_of_a_charge_point_that_left_the_configuration_is_closed_once() -> None:
    bench = Bench()
    bench.record(started(), metered(energy_wh=1700), started("s2", "cp2", 2))
    bench.points = frozenset({"cp2"})
    bench.boot()
    (alarm,) = (effect for effect in bench.said if isinstance(effect, Alarm))
    assert alarm.code == "session-closed"
    assert "charge point cp1" in alarm.text
    bench.boot()  # the process died before the end was on disk
    assert bench.offered() == [1, 2, 3]
    bench.commit()
    assert bench.offered() == [1, 2, 3, 4]
    closed = [effect.fact for effect in bench.said if isinstance(effect, FactOffered)][-1]
    assert closed == LEFT
    bench.boot()
    assert bench.waiting == []
    assert not any(isinstance(effect, Alarm) for effect in bench.said)
    assert bench.tell(RecoverSession("cp1")) == [SessionRecovered("cp1", None)]
    (kept,) = bench.tell(RecoverSession("cp2"))
    assert isinstance(kept, SessionRecovered)
    assert kept.open_session is not None


def test_the_end_of_a_session_without_its_charge_point_waits_for_a_full_disk() -> None:
    bench = Bench()
    bench.record(started())
    bench.points = frozenset()
    bench.boot()
    write = bench.waiting.pop(0)
    bench.tell(CommitFailed(write.token, "disk full"))
    bench.mono += journal.RETRY_COMMIT_SECONDS
    bench.tell(Tick())
    bench.commit()
    closed = [effect.fact for effect in bench.said if isinstance(effect, FactOffered)][-1]
    assert closed == SessionEnded("s1", 1, "cp1", 1, started().at, 1000, StopReason.OTHER, None)


def test_a_fact_is_acknowledged_only_after_the_commit() -> None:
    bench = Bench()
    first = bench.tell(RecordFact(started()))
    assert [type(effect) for effect in first] == [Write]
    assert FactPersisted("cp1", key_of(started())) in bench.commit()


def test_a_resend_before_the_commit_is_silent_and_after_it_is_acknowledged_again() -> None:
    bench = Bench()
    bench.tell(RecordFact(started()))
    assert bench.tell(RecordFact(started())) == []
    bench.commit()
    assert bench.tell(RecordFact(started())) == [FactPersisted("cp1", key_of(started()))]
    assert len(bench.disk) == 1


def test_facts_are_offered_until_taken_and_in_order() -> None:
    bench = Bench()
    bench.record(started(), metered(), ended())
    assert bench.offered() == [1, 2, 3]
    bench.tell(FactTaken(FactId("J", 2)))
    bench.said.clear()
    bench.mono = OFFER_AGAIN_SECONDS
    bench.tell(Tick())
    assert bench.offered() == [1, 3]


def test_what_is_not_delivered_is_offered_again_after_a_restart() -> None:
    bench = Bench()
    bench.record(started(), metered(), ended())
    bench.tell(FactTaken(FactId("J", 1)))
    bench.tell(FactDelivered(FactId("J", 1), 42))
    bench.commit()
    bench.tell(FactTaken(FactId("J", 2)))
    bench.boot()
    assert bench.offered() == [2, 3]


def test_an_open_session_is_recovered_with_its_last_reading_and_transaction() -> None:
    bench = Bench()
    bench.record(started(), metered(energy_wh=1700))
    bench.tell(FactDelivered(FactId("J", 1), 42))
    bench.commit()
    bench.boot()
    (recovered,) = bench.tell(RecoverSession("cp1"))
    assert isinstance(recovered, SessionRecovered)
    assert recovered.open_session is not None
    assert (recovered.open_session.last_energy_wh, recovered.open_session.transaction) == (1700, 42)
    assert recovered.open_session.last_ordinal == 1


def test_an_ended_session_is_not_open() -> None:
    bench = Bench()
    bench.record(started(), ended(ordinal=1))
    bench.boot()
    assert bench.tell(RecoverSession("cp1")) == [SessionRecovered("cp1", None)]


def test_questions_before_the_rows_are_loaded_wait_for_them() -> None:
    state = journal.initial("J")
    state, _ = journal.step(state, Start(), Now(0.0, WALL))
    state, effects = journal.step(state, RecoverSession("cp1"), Now(0.0, WALL))
    assert effects == ()
    state, effects = journal.step(state, RowsLoaded(()), Now(0.1, WALL))
    assert SessionRecovered("cp1", None) in effects


def test_a_refused_commit_is_said_and_tried_again() -> None:
    bench = Bench()
    bench.tell(RecordFact(started()))
    failed = bench.tell(CommitFailed(bench.waiting.pop(0).token, "disk full"))
    assert journal.JournalTrouble("disk full") in failed
    bench.mono = journal.RETRY_COMMIT_SECONDS
    bench.tell(Tick())
    assert FactPersisted("cp1", key_of(started())) in bench.commit()


def test_every_tick_asks_for_the_next_one() -> None:
    """What was asked for while an earlier tick was pending was not taken: the disk would not be tried again."""
    bench = Bench()
    bench.tell(RecordFact(started()))
    bench.tell(CommitFailed(bench.waiting.pop(0).token, "disk full"))
    assert bench.tell(Tick()) == [WakeAt(journal.RETRY_COMMIT_SECONDS)]


def test_to_a_server_with_a_new_disk_an_unfinished_session_is_offered_from_its_start() -> None:
    """The start was delivered by a server that is gone: without it the end would be of no session (D2)."""
    bench = Bench()
    bench.record(started(), ended("s2"), metered(), ended(ordinal=2))
    for number in (1, 2, 3):
        bench.tell(FactDelivered(FactId("J", number), 1001))
        bench.commit()
    for _ in range(2):  # after a restart too
        bench.said.clear()
        bench.meets_a_stranger()
        assert bench.offered() == [1, 3, 4], "the session that is over stays where it is"
        bench.boot()


def test_an_open_session_is_offered_again_whatever_was_delivered_of_it() -> None:
    bench = Bench()
    bench.record(started())
    bench.tell(FactDelivered(FactId("J", 1), 1001))
    bench.commit()
    bench.said.clear()
    bench.meets_a_stranger()
    assert bench.offered() == [1]
    bench.tell(FactTaken(FactId("J", 1)))
    assert bench.tell(FactDelivered(FactId("J", 1), 1001)) == [], "it is no news"
    bench.said.clear()
    bench.mono += 100.0
    bench.tell(Tick())
    assert bench.offered() == []


def test_delivered_facts_beyond_the_kept_number_leave_the_disk() -> None:
    bench = Bench()
    total = journal.KEEP_DELIVERED + 5
    for number in range(1, total + 1):
        bench.record(metered(ordinal=number))
        bench.tell(FactDelivered(FactId("J", number), None))
        bench.commit()
    assert len(bench.disk) <= journal.KEEP_DELIVERED + 1
    assert key_of_number(total) in bench.disk


def test_an_open_session_is_found_however_many_facts_were_delivered_since_its_start() -> None:
    bench = Bench()
    bench.record(started())
    bench.tell(FactDelivered(FactId("J", 1), 42))
    bench.commit()
    last = journal.KEEP_DELIVERED + 49
    for ordinal in range(1, last + 1):
        bench.record(metered(ordinal=ordinal))
        bench.tell(FactDelivered(FactId("J", ordinal + 1), 42))
        bench.commit()
    assert len(bench.disk) <= journal.KEEP_DELIVERED + 3
    bench.boot()
    (recovered,) = bench.tell(RecoverSession("cp1"))
    assert isinstance(recovered, SessionRecovered)
    assert recovered.open_session is not None
    assert (recovered.open_session.transaction, recovered.open_session.last_ordinal) == (42, last)


def test_the_newest_fact_of_a_quiet_open_session_outlives_the_traffic_of_the_others() -> None:
    bench = Bench()
    bench.record(started(), metered(ordinal=1))
    for number in range(3, journal.KEEP_DELIVERED + 50):
        bench.record(metered("s2", ordinal=number, point="cp2"))
    for number in range(1, journal.KEEP_DELIVERED + 50):
        bench.tell(FactDelivered(FactId("J", number), 42))
        bench.commit()
    bench.record(metered("s2", ordinal=9999, point="cp2"))
    assert len(bench.disk) < journal.KEEP_DELIVERED + 10
    bench.boot()
    (recovered,) = bench.tell(RecoverSession("cp1"))
    assert isinstance(recovered, SessionRecovered)
    assert recovered.open_session is not None
    assert recovered.open_session.last_ordinal == 1


def test_a_mark_the_disk_refused_is_written_later() -> None:
    bench = Bench()
    bench.record(started())
    bench.tell(FactDelivered(FactId("J", 1), 42))
    bench.tell(CommitFailed(bench.waiting.pop(0).token, "disk full"))
    bench.mono = journal.RETRY_COMMIT_SECONDS
    bench.tell(Tick())
    bench.commit()
    bench.boot()
    assert bench.offered() == []


def test_a_refused_deletion_brings_no_ended_session_back() -> None:
    """The start's row must go before the end's, or at the next start the session looks open."""
    bench = Bench()
    bench.record(started(), ended(ordinal=1))
    for number in range(3, journal.KEEP_DELIVERED + 2):
        bench.record(metered("s2", ordinal=number, point="cp2"))
    for number in range(1, journal.KEEP_DELIVERED + 2):
        bench.tell(FactDelivered(FactId("J", number), 42))
        bench.commit()
    bench.tell(RecordFact(metered("s2", ordinal=9998, point="cp2")))
    bench.tell(CommitFailed(bench.waiting.pop(0).token, "disk full"))
    bench.mono = journal.RETRY_COMMIT_SECONDS
    bench.tell(Tick())
    bench.commit()
    for ordinal in (9999, 10_000):
        bench.record(metered("s2", ordinal=ordinal, point="cp2"))
        number = bench.state.next_number - 1
        bench.tell(FactDelivered(FactId("J", number), 42))
        bench.commit()
    bench.boot()
    assert bench.tell(RecoverSession("cp1")) == [SessionRecovered("cp1", None)]


def test_a_row_that_cannot_be_read_is_alarmed_left_alone_and_its_number_not_used_again() -> None:
    bench = Bench()
    bench.record(started())
    bench.disk[key_of_number(2)] = "{damaged"
    bench.boot()
    assert [effect.code for effect in bench.said if isinstance(effect, Alarm)] == ["journal-row-unreadable"]
    assert bench.offered() == [1]
    bench.record(metered())
    assert sorted(bench.disk) == [key_of_number(number) for number in (1, 2, 3)]
    assert bench.disk[key_of_number(2)] == "{damaged"


samples = st.builds(
    Sample,
    st.tuples(*[st.integers(-100_000, 100_000)] * 3),
    st.integers(-100_000, 100_000),
    st.integers(0, 10**9),
    st.none() | st.tuples(*[st.integers(0, 400_000)] * 3),
    st.none() | st.integers(40_000, 60_000),
)
times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(min_size=1, max_size=20)
facts = st.one_of(
    st.builds(SessionStarted, texts, st.just(0), texts, st.integers(1, 99), texts, texts, times, st.integers(0)),
    st.builds(
        SessionMetered,
        texts,
        st.integers(1),
        texts,
        st.integers(1),
        times,
        samples,
        st.integers(0),
        st.sampled_from(ReadingContext),
    ),
    st.builds(
        SessionEnded,
        texts,
        st.integers(1),
        texts,
        st.integers(1),
        times,
        st.integers(0),
        st.sampled_from(StopReason),
        st.none() | texts,
    ),
)


@given(fact=facts, number=st.integers(1, 10**11), delivered=st.booleans(), transaction=st.none() | st.integers())
def test_a_row_gives_back_exactly_its_fact(
    fact: SessionFact, number: int, delivered: bool, transaction: int | None
) -> None:
    entry = Entry(FactId("J", number), fact, delivered, transaction)
    assert entry_of("J", key_of_number(number), entry_body(entry)) == entry

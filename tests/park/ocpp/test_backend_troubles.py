"""Troubles with a backend at the step of the OCPP side, each with its figure; docs/hostile.md has the catalogue."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from nodes.field.clock import BoardClock
from park.model.session import FactDelivered, FactTaken, SessionEnded, SessionFact, StopReason
from park.model.time import Now
from park.ocpp.effects import ClockOffered, EndSession, RestartBoards, TransactionAssigned
from park.ocpp.link import SendCall
from park.ocpp.maintenance import FetchFirmware, FirmwareFetched, FirmwareInstalled, InstallFirmware, TrustKnown
from park.ocpp.messages import Station as Plate
from park.ocpp.wire import TRANSACTION_ACTIONS, iso
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

CONNECTORS = tuple(range(1, 41))
QUEUED = 50  # transaction messages that wait before the backend accepts
OFFERS = 1_000
Record = Callable[[str, object], None]


def at_connector(number: int) -> tuple[str, str, int]:
    return f"s{number}", f"board/cp{number}", number


def start(number: int) -> SessionFact:
    return started(*at_connector(number), energy_wh=1_000 * number)


def stop(number: int, ordinal: int = 1) -> SessionFact:
    return ended(f"s{number}", ordinal, f"board/cp{number}", 1_000 * number + 500)


def answer_all(station: Station) -> list[SendCall]:
    """A backend that answers everything; the calls it got since, in order."""
    first = len(station.sent)
    answered = first - (station.state.flight is not None)
    while station.state.flight is not None and answered < len(station.sent):
        call = station.sent[answered]
        station.answer(started_answer(100 + answered) if call.action == "StartTransaction" else {}, call)
        answered += 1
    return station.sent[max(0, first - 1) :]


def transactions(calls: Iterable[SendCall]) -> list[str]:
    return [call.action for call in calls if call.action in TRANSACTION_ACTIONS]


def whole(station: Station, sessions: int) -> None:
    """Each session has one start and one stop on the wire, and nothing is left."""
    said = transactions(station.sent)
    assert (said.count("StartTransaction"), said.count("StopTransaction")) == (sessions, sessions)
    assert (station.queued(), station.dead()) == (0, [])


def test_r08_any_transaction_number_is_used_as_given(record_property: Record):
    given = (0, -1, -(2**31), 2**31, 2**40, 7, 7)
    station = Station(connectors=CONNECTORS).online()
    for number, transaction in enumerate(given, 1):
        station.offer(start(number))
        station.answer(started_answer(transaction))
    for number, transaction in enumerate(given, 1):
        station.offer(stop(number))
        assert station.sent[-1].payload["transactionId"] == transaction
        station.answer({})
    whole(station, len(given))
    assert station.alarms() == ["ocpp-transaction-id-twice"]
    record_property("figure", f"R08 transaction numbers {given}: each used as given, the double one alarmed")


def test_r09_sessions_started_and_stopped_offline_survive_restarts(record_property: Record):
    station, restarts = Station(connectors=CONNECTORS), 0
    station.start()
    for number in CONNECTORS:
        station.offer(start(number), stop(number))
        if number % 10 == 0:
            station.restart()
            restarts += 1
    station.connect()
    station.answer(ACCEPTED)
    answer_all(station)
    whole(station, len(CONNECTORS))
    record_property("figure", f"R09 {len(CONNECTORS)} sessions offline, {restarts} restarts: each sent once")


@pytest.mark.parametrize("after_answer", [False, True], ids=["in flight", "answered, not on disk"])
def test_r10_a_restart_with_a_stop_in_flight_stops_once_by_its_key(after_answer: bool, record_property: Record):
    station = Station().online()
    station.offer(started())
    station.answer(started_answer(5))
    station.offer(ended(ordinal=1))
    before = station.sent[-1]
    if after_answer:
        station.writes = False
        station.answer({})
        station.writes = True
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    answer_all(station)
    stops = [call for call in station.sent if call.action == "StopTransaction"]
    assert [dict(call.payload) for call in stops] == [dict(before.payload)] * 2
    assert station.queued() == 0
    record_property("figure", f"R10 {len(stops)} identical stops on the wire for 1 attempt without an answer on disk")


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
def test_r11_a_refused_start_is_told_whenever_the_answer_comes(restart: bool, record_property: Record):
    station = Station()
    station.start()
    station.offer(*(started(*at_connector(number)) for number in (1, 2, 3)))
    if restart:
        station.restart()
    station.connect()
    station.answer(ACCEPTED)
    for number in range(20):
        if station.state.flight is None:
            break
        is_start = station.sent[-1].action == "StartTransaction"
        station.answer(started_answer(number, "Invalid") if is_start else {})
    told = station.of(TransactionAssigned)
    assert [(each.session, each.accepted) for each in told] == [("s1", False), ("s2", False), ("s3", False)]
    record_property("figure", f"R11 {len(told)} refused starts told{' after a restart' if restart else ''}")


class Powered:
    """A board whose clock stands at 1970 whenever power comes; what it says is no earlier than `floor`."""

    def __init__(self, floor: datetime) -> None:
        self.mono, self.floor = 0.0, floor
        self.power()

    def power(self) -> None:
        self._on = self.mono
        self.clock = BoardClock(self.floor, lambda: Now(self.mono, datetime(1970, 1, 1, tzinfo=UTC) + self._since()))

    def _since(self) -> timedelta:
        return timedelta(seconds=self.mono - self._on)

    def at(self, mono: float) -> datetime:
        self.mono = mono
        return self.clock.now().wall


def test_r13_sessions_of_a_clock_that_was_never_set_are_sent_once_and_in_order(record_property: Record):
    """Rows without an instant keep the times they were recorded with (D1); who has one is in `test_dating`."""
    true, floor = WALL, WALL - timedelta(days=40)
    board = Powered(floor)
    station = Station()
    station.wall = floor
    station.start()
    facts: list[SessionFact] = []
    for number, seconds in ((1, 60.0), (2, 400.0)):
        facts.append(replace(started(f"s{number}", energy_wh=1_000 * number), at=board.at(seconds)))
        facts.append(replace(ended(f"s{number}", 1, energy_wh=1_000 * number + 500), at=board.at(seconds + 100.0)))
        board.power()  # reset
        station.restart()
    station.offer(*facts)
    station.connect()
    assert not board.clock.known
    station.mono, station.wall = board.mono, board.at(500.0) - timedelta(seconds=500.0)
    station.answer({**ACCEPTED, "currentTime": iso(true)})
    board.clock.follow(station.of(ClockOffered)[-1].offset_seconds)
    answer_all(station)
    station.offer(replace(started("s3", energy_wh=9_000), at=board.at(510.0)))
    error = (board.at(510.0) - true - timedelta(seconds=10.0)).total_seconds()
    answer_all(station)
    times = [str(call.payload["timestamp"]) for call in station.sent if call.action in TRANSACTION_ACTIONS]
    assert board.clock.known
    assert abs(error) <= 2.0
    assert times[:4] == [iso(fact.at) for fact in facts]
    assert times[0] >= iso(floor)
    assert transactions(station.sent) == ["StartTransaction", "StopTransaction"] * 2 + ["StartTransaction"]
    off = (true - facts[0].at).days
    record_property(
        "figure", f"R13 2 sessions recorded {off} days early sent once, in order; the next is {error:+.1f} s off"
    )


@pytest.mark.parametrize("how", ["Rejected", "Pending", "interval 0", "no answer", "CALLERROR"])
def test_r22_nothing_is_sent_before_the_backend_accepts_then_all_in_order(how: str, record_property: Record):
    station = Station(connectors=CONNECTORS)
    station.start()
    for number in range(1, QUEUED // 2 + 1):
        station.offer(start(number), stop(number))
    station.connect()
    for _ in range(3):
        match how:
            case "no answer":
                station.pass_time(31.0)
            case "CALLERROR":
                station.refuse()
            case _:
                word = "Rejected" if how == "interval 0" else how
                station.answer({**ACCEPTED, "status": word, "interval": 0 if how == "interval 0" else 30})
        station.pass_time(60.0)
    assert set(station.actions()) == {"BootNotification"}
    boots = len(station.sent)
    station.answer(ACCEPTED)
    answer_all(station)
    whole(station, QUEUED // 2)
    sent = [call for call in station.sent if call.action == "StartTransaction"]
    assert [call.payload["connectorId"] for call in sent] == list(range(1, QUEUED // 2 + 1))
    record_property("figure", f"R22 {how}: {boots} boots and nothing else, then {QUEUED} messages in order")


def test_r26_a_fact_offered_a_thousand_times_is_sent_once(record_property: Record):
    station, draw = Station().online(), random.Random(26)
    facts = [started(), metered(), ended()]
    for _ in range(OFFERS):
        station.offer(draw.choice(facts))
        if draw.random() < 0.01:
            answer_all(station)
    station.offer(*facts)
    answer_all(station)
    assert transactions(station.sent) == ["StartTransaction", "MeterValues", "StopTransaction"]
    taken = len(station.of(FactTaken)) + len(station.of(FactDelivered))
    record_property("figure", f"R26 3 facts offered {OFFERS + len(facts)} times: 3 calls, {taken} acknowledgements")


@pytest.mark.rule("B-190", "B-110")
@pytest.mark.parametrize(("kind", "patience"), [("Soft", 30.0), ("Hard", 10.0)])
@pytest.mark.parametrize("answers", [True, False], ids=["answered", "unanswered"])
def test_r28_a_reset_with_40_sessions_waits_for_their_stops(
    kind: str, patience: float, answers: bool, record_property: Record
):
    station = Station(connectors=CONNECTORS).online()
    for number in CONNECTORS:
        station.offer(start(number))
        answer_all(station)
    station.ask("Reset", {"type": kind})
    reason = StopReason.SOFT_RESET if kind == "Soft" else StopReason.HARD_RESET
    assert len(station.of(EndSession)) == len(CONNECTORS)
    for number in CONNECTORS:
        fact = stop(number)
        assert isinstance(fact, SessionEnded)
        station.offer(replace(fact, reason=reason))
    assert station.of(RestartBoards) == []
    waited = 0.0
    while not station.of(RestartBoards):
        if answers:
            answer_all(station)
        station.pass_time(1.0)
        waited += 1.0
        assert waited <= patience
    assert (station.queued() == 0) == answers
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    answer_all(station)
    assert (station.queued(), station.dead()) == (0, [])
    stops = {str(call.payload["transactionId"]) for call in station.sent if call.action == "StopTransaction"}
    assert len(stops) == len(CONNECTORS)
    record_property("figure", f"R28 {kind}, stops {'' if answers else 'un'}answered: restart {waited:.0f} s later")


@pytest.mark.rule("B-309", "B-386")
@pytest.mark.parametrize("waits", [True, False], ids=["waits for sessions", "does not wait"])
def test_r29_a_firmware_in_the_middle_of_sessions_loses_none(waits: bool, record_property: Record):
    station = Station(connectors=CONNECTORS)
    station.settings = replace(station.settings, restart_with_sessions=not waits)
    station.state = replace(station.state, settings=station.settings)
    station.online()
    station.tell(TrustKnown(1, station_certificate=False, installer=True))
    for number in CONNECTORS:
        station.offer(start(number))
        answer_all(station)
    assert station.ask("UpdateFirmware", {"location": "https://maker.example/f", "retrieveDate": iso(WALL)}) == {}
    station.tell(FirmwareFetched(station.of(FetchFirmware)[-1].job, "/data/f", "ab" * 32, ""))
    station.tell(FirmwareInstalled(station.of(InstallFirmware)[-1].job, "2.0", ""))
    ended_before = 0
    for number in CONNECTORS:
        answer_all(station)
        if station.of(RestartBoards):
            break
        station.offer(stop(number))
        ended_before = number
    answer_all(station)
    station.pass_time(1.0)
    assert len(station.of(RestartBoards)) == 1
    assert ended_before == (len(CONNECTORS) if waits else 0)
    station.settings = replace(station.settings, station=Plate("ACME", "Garage 12", firmware="2.0"))
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    for number in CONNECTORS[ended_before:]:
        station.offer(metered(f"s{number}", 1, f"board/cp{number}"), stop(number, 2))
    answer_all(station)
    whole(station, len(CONNECTORS))
    words = [call.payload["status"] for call in station.sent if call.action == "FirmwareStatusNotification"]
    assert words == ["Downloading", "Downloaded", "Installing", "Installed"]
    how = "waits for sessions" if waits else "does not wait"
    record_property(
        "figure", f"R29 {how}: {ended_before} of {len(CONNECTORS)} sessions ended before the restart, none lost"
    )

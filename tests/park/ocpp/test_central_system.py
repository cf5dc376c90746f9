"""Registration, notifications, heartbeats and authorization through the central system's step."""

from __future__ import annotations

import pytest

from park.model.access import AuthorizeWithBackend, BackendAuthorized, ConnectorStatus, ConnectorStatusChanged, Verdict
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.signals import Start, Tick, WakeAt
from park.ocpp.central_system import LOAD_AGAIN_SECONDS, step
from park.ocpp.effects import Load
from park.ocpp.link import CallAnswered, CallFailed, LinkLost, LinkUp, ReportLink
from park.ocpp.state import initial
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer


def status(connector: int, word: ConnectorStatus, info: str = "", error: str = "NoError") -> ConnectorStatusChanged:
    return ConnectorStatusChanged(connector, word, error, info, WALL)


def test_start_asks_for_rows_and_for_the_state_of_the_link():
    station = Station()
    _, effects = step(initial(station.settings), Start(), station.now())
    assert ReportLink() in effects
    assert any(isinstance(effect, Load) for effect in effects)


def test_rows_that_do_not_come_are_asked_for_again():
    station = Station()
    state, effects = step(initial(station.settings), Start(), station.now())
    assert WakeAt(LOAD_AGAIN_SECONDS) in effects
    station.state, station.mono = state, LOAD_AGAIN_SECONDS
    station.disk.clear()
    station.pass_time(0.0)
    assert station.state.loaded


@pytest.mark.rule("B-048")
def test_boot_tells_the_identity_where_there_is_no_serial_number():
    station = Station()
    station.start()
    station.connect()
    assert station.sent[0].action == "BootNotification"
    assert station.sent[0].payload == {
        "chargePointVendor": "ACME",
        "chargePointModel": "Garage 12",
        "chargePointSerialNumber": "GARAGE",
        "firmwareVersion": "1.0",
    }


@pytest.mark.rule("B-219", "B-220")
@pytest.mark.parametrize(("metered_at", "boots_at"), [(5.0, 40.0), (45.0, 45.0), (None, 60.0)])
def test_the_boot_is_told_when_a_meter_is_there_and_at_the_latest_without(metered_at: float | None, boots_at: float):
    station = Station({"BootNotificationEarliest": "40", "BootNotificationLatest": "60"})
    station.mono = 1_000.0
    station.start()
    station.connect()
    found: float | None = None
    for second in range(80):
        station.mono = 1_000.0 + second
        if second == metered_at:
            sample = Sample((0, 0, 0), 0, 1_000)
            station.tell(ReadingTaken("m1", Quality.FRESH, sample, None, station.mono, station.now().wall))
        if station.state.wake_at is not None and station.state.wake_at <= station.mono:
            station.tell(Tick())
        if station.sent and found is None:
            found = float(second)
    assert found == boots_at


def test_after_boot_connector_0_and_each_known_connector_is_told():
    station = Station()
    station.start()
    station.tell(status(2, ConnectorStatus.AVAILABLE))
    station.tell(status(1, ConnectorStatus.PREPARING))
    station.connect()
    station.answer(ACCEPTED)
    for _ in range(3):
        station.answer({})
    told = [(call.payload["connectorId"], call.payload["status"]) for call in station.sent[1:]]
    assert told == [(0, "Available"), (1, "Preparing"), (2, "Available")]


def test_after_a_reconnect_there_is_no_boot_and_only_news_is_told():
    station = Station().online()
    station.tell(status(1, ConnectorStatus.AVAILABLE))
    station.answer({})
    station.lose()
    station.tell(status(1, ConnectorStatus.PREPARING))
    station.tell(status(1, ConnectorStatus.AVAILABLE))
    station.tell(status(2, ConnectorStatus.CHARGING))
    station.clear()
    station.connect()
    station.answer({})
    assert [(call.action, call.payload["connectorId"]) for call in station.sent] == [("StatusNotification", 2)]


def test_a_notification_in_flight_when_the_link_goes_is_told_again():
    station = Station().online()
    station.tell(status(1, ConnectorStatus.FAULTED, "lock", "ConnectorLockFailure"))
    station.lose()
    station.connect()
    assert [call.payload.get("info") for call in station.sent[-2:]] == ["lock", "lock"]


@pytest.mark.rule("B-010")
def test_a_notification_without_an_answer_is_not_repeated():
    station = Station().online()
    station.tell(status(1, ConnectorStatus.CHARGING))
    station.pass_time(30.0)
    station.answer({"currentTime": "2026-01-05T09:30:30Z"})
    assert station.actions().count("StatusNotification") == 2


def test_only_the_latest_status_that_lasts_is_told():
    station = Station({"MinimumStatusDuration": "5"}).online()
    station.tell(status(1, ConnectorStatus.AVAILABLE))
    station.answer({})
    station.clear()
    station.tell(status(1, ConnectorStatus.PREPARING))
    station.pass_time(4.0)
    station.tell(status(1, ConnectorStatus.CHARGING))
    station.pass_time(4.0)
    assert station.sent == []
    station.pass_time(1.0)
    assert [call.payload["status"] for call in station.sent] == ["Charging"]


@pytest.mark.parametrize(("word", "interval", "wait"), [("Rejected", 90, 90), ("Pending", 20, 20), ("Rejected", 0, 60)])
def test_before_the_backend_accepts_nothing_but_boot_is_sent(word: str, interval: int, wait: int):
    station = Station()
    station.start()
    station.tell(status(1, ConnectorStatus.AVAILABLE))
    station.offer(started(), metered(), ended())
    station.connect()
    station.answer({**ACCEPTED, "status": word, "interval": interval})
    assert station.report().state == word.lower()
    station.pass_time(wait - 1)
    station.lose()
    station.connect()
    assert station.actions() == ["BootNotification"]
    station.pass_time(1)
    assert station.actions() == ["BootNotification"] * 2
    station.answer(ACCEPTED)
    station.answer({})
    assert station.actions()[2:] == ["StatusNotification", "StartTransaction"]
    assert station.report().state == "online"


@pytest.mark.parametrize("silent", [True, False])
def test_a_boot_without_an_answer_is_sent_again_after_a_minute(silent: bool):
    station = Station()
    station.start()
    station.connect()
    if silent:
        station.pass_time(30.0)
    else:
        station.refuse()
    station.pass_time(59.0)
    assert len(station.sent) == 1
    station.pass_time(1.0)
    assert station.actions() == ["BootNotification"] * 2


@pytest.mark.rule("B-124", "B-207")
@pytest.mark.parametrize(("interval", "expected"), [(300, 300.0), (0, 600.0)])
def test_a_heartbeat_follows_an_interval_without_traffic(interval: int, expected: float):
    station = Station()
    station.start()
    station.connect()
    station.answer({**ACCEPTED, "interval": interval})
    station.answer({})
    station.clear()
    station.pass_time(200.0)
    station.tell(status(1, ConnectorStatus.CHARGING))
    station.answer({})
    station.clear()
    station.pass_time(expected - 0.1)
    assert station.sent == []
    station.pass_time(0.1)
    assert station.actions() == ["Heartbeat"]


@pytest.mark.rule("B-013")
def test_heartbeats_can_be_forced_beside_other_traffic():
    station = Station({"ForceHeartbeatRequestMessages": "true"}).online()
    station.pass_time(200.0)
    station.tell(status(1, ConnectorStatus.CHARGING))
    station.answer({})
    station.pass_time(100.0)
    assert station.sent[-1].action == "Heartbeat"


@pytest.mark.rule("B-124")
def test_no_heartbeats_with_interval_zero_by_configuration():
    station = Station().online()
    assert station.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "0"})["status"] == "Accepted"
    station.clear()
    station.pass_time(10_000.0)
    assert station.sent == []


def test_a_heartbeat_without_an_answer_makes_the_link_anew():
    station = Station().online()
    station.pass_time(300.0)
    station.pass_time(30.0)
    assert station.report().state == "offline"
    assert "no answer" in station.report().why


def test_authorize_and_notifications_do_not_wait_behind_readings():
    station = Station().online()
    station.offer(started(), *(metered(ordinal=number) for number in range(1, 20)))
    station.answer(started_answer())
    station.tell(status(1, ConnectorStatus.CHARGING))
    station.tell(AuthorizeWithBackend("r1", "TAG"))
    before = len(station.sent)
    for _ in range(4):
        station.answer({"idTagInfo": {"status": "Accepted"}})
    assert station.actions()[before:] == ["Authorize", "StatusNotification", "MeterValues", "MeterValues"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"status": "Accepted", "parentIdTag": "P"}, (Verdict.ACCEPTED, "P")),
        ({"status": "Blocked"}, (Verdict.BLOCKED, None)),
        ({"status": "ConcurrentTx", "expiryDate": "2027-01-01T00:00:00Z"}, (Verdict.CONCURRENT_TX, None)),
        ({"status": "Perhaps"}, (None, None)),
    ],
)
def test_the_backends_verdict_reaches_the_authorizer(info: dict[str, str], expected: tuple[Verdict | None, str | None]):
    station = Station().online()
    station.tell(AuthorizeWithBackend("r1", "TAG"))
    assert station.sent[-1].payload == {"idTag": "TAG"}
    station.answer({"idTagInfo": info})
    (answer,) = station.of(BackendAuthorized)
    assert (answer.request_id, answer.verdict, answer.parent_tag) == ("r1", *expected)
    assert (answer.expiry is not None) == ("expiryDate" in info)


@pytest.mark.rule("B-062")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "Accepted"}, Verdict.ACCEPTED),
        ({"status": "UnknownVendorId"}, Verdict.CONCURRENT_TX),
        ({"status": "Rejected"}, Verdict.CONCURRENT_TX),
        (None, Verdict.CONCURRENT_TX),
    ],
)
def test_with_tariffs_a_backend_without_them_lets_nobody_charge(answer: dict[str, str] | None, expected: Verdict):
    station = Station({"DataTransferTariffUsage": "true"}).online()
    station.tell(AuthorizeWithBackend("q1", "04A1"))
    station.answer({"idTagInfo": {"status": "Accepted", "parentIdTag": "GROUP"}})
    assert station.of(BackendAuthorized) == []
    asked = station.sent[-1]
    assert (asked.action, asked.payload["data"]) == ("DataTransfer", "04A1")
    if answer is None:
        station.refuse("NotImplemented")
    else:
        station.answer(answer)
    (told,) = station.of(BackendAuthorized)
    assert (told.request_id, told.id_tag, told.verdict) == ("q1", "04A1", expected)


@pytest.mark.rule("B-062")
def test_a_refused_card_is_asked_no_tariff_and_without_the_key_nobody_is():
    for keys, status in [({"DataTransferTariffUsage": "true"}, "Blocked"), ({}, "Accepted")]:
        station = Station(keys).online()
        station.tell(AuthorizeWithBackend("q1", "04A1"))
        station.answer({"idTagInfo": {"status": status}})
        assert [told.verdict for told in station.of(BackendAuthorized)] == [Verdict(status)]
        assert "DataTransfer" not in station.actions()


@pytest.mark.rule("B-121")
@pytest.mark.parametrize("how", ["offline", "lost", "timeout", "error", "pending", "queued"])
def test_without_an_answer_there_is_no_verdict(how: str):
    station = Station({"MessageResponseTimeOut": "5"})
    station.start()
    station.connect()
    station.answer(ACCEPTED if how != "pending" else {**ACCEPTED, "status": "Pending"})
    if how not in {"pending", "queued"}:
        station.answer({})
    if how == "offline":
        station.lose()
    station.tell(AuthorizeWithBackend("r1", "TAG"))
    if how == "lost":
        station.lose()
    if how in {"timeout", "queued"}:
        station.pass_time(5.0)
    if how == "error":
        station.refuse()
    assert station.of(BackendAuthorized) == [BackendAuthorized("r1", "TAG", None)]


@pytest.mark.parametrize("tag", ["", "X" * 21])
def test_an_id_tag_the_standard_cannot_carry_is_refused_with_a_reason(tag: str):
    station = Station().online()
    station.clear()
    station.tell(AuthorizeWithBackend("r1", tag))
    assert station.sent == []
    assert station.of(BackendAuthorized)[0].verdict is Verdict.INVALID
    assert station.alarms() == ["ocpp-id-tag-length"]


def test_the_report_tells_depth_age_and_why():
    station = Station()
    station.start()
    station.offer(started(), metered())
    report = station.report()
    assert (report.state, report.queue_depth, report.oldest_at) == ("offline", 2, started().at)
    assert report.oldest_seconds(station.now()) == 5400.0
    station.tell(LinkLost("HTTP 401"))
    assert station.report().why == "HTTP 401"


def test_a_repeated_link_up_changes_nothing_and_a_new_one_loses_what_was_in_flight():
    station = Station().online()
    station.offer(started())
    station.tell(LinkUp(1))
    assert station.report().unanswered == 0
    station.connect()
    assert station.report().unanswered == 1
    assert station.sent[-1].link == 2


def test_answers_to_nothing_are_ignored():
    station = Station().online()
    before = station.state.queue
    station.tell(CallAnswered("nobody", {"transactionId": 1}))
    station.tell(CallFailed("nobody", "GenericError", ""))
    assert station.state.queue == before


def test_waking_is_asked_for_at_the_nearest_deadline_once():
    station = Station().online()
    station.clear()
    station.tell(AuthorizeWithBackend("r1", "TAG"))
    assert station.of(WakeAt) == [WakeAt(30.0)]
    station.tell(CallAnswered("nobody", {}))
    assert station.of(WakeAt) == [WakeAt(30.0)]


def test_every_tick_asks_for_the_next_one():
    """What was asked for while an earlier tick was pending was not taken, so an unchanged deadline is told again."""
    station = Station().online()
    deadlines = [[effect for effect in station.tell(Tick()) if isinstance(effect, WakeAt)] for _ in range(2)]
    assert deadlines[0] == deadlines[1] != []

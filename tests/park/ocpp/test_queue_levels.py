"""What happens while much waits for the backend: statuses pause, then no session begins; and the pace of statuses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from park.model.access import BACKEND_QUEUE, ConnectorStatus, ConnectorStatusChanged, RepeatSettings
from park.ocpp.effects import SettingsRepeated
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

S = ConnectorStatus


def status(word: ConnectorStatus, connector: int = 1) -> ConnectorStatusChanged:
    return ConnectorStatusChanged(connector, word, "NoError", "", WALL)


def told_statuses(station: Station, connector: int = 1) -> list[str]:
    calls = [call.payload for call in station.sent if call.action == "StatusNotification"]
    return [str(payload["status"]) for payload in calls if payload["connectorId"] == connector]


def rooms(station: Station, point: str = "board/cp1") -> list[object]:
    """What the charge point heard of the queue."""
    found = [
        message for told in station.of(SettingsRepeated) if told.charge_point == point for message in told.messages
    ]
    return [message.value for message in found if message.name == BACKEND_QUEUE]


# ------------------------------------------------------------ the pace of statuses


@pytest.mark.rule("B-203")
def test_ten_seconds_pass_between_two_statuses_of_a_connector_and_the_latest_is_told():
    station = Station({"StatusNotificationInterval": "10"}).online()
    station.tell(status(S.AVAILABLE))
    station.answer({})
    station.pass_time(1.0)
    station.tell(status(S.PREPARING))
    station.tell(status(S.CHARGING))
    station.tell(status(S.PREPARING, connector=2))
    station.answer({})
    assert (told_statuses(station), told_statuses(station, 2)) == (["Available"], ["Preparing"])
    station.pass_time(8.9)
    assert told_statuses(station) == ["Available"]
    station.pass_time(0.1)
    assert told_statuses(station) == ["Available", "Charging"]


@pytest.mark.rule("B-203")
def test_what_came_and_went_within_the_interval_is_not_told():
    station = Station({"StatusNotificationInterval": "10"}).online()
    station.tell(status(S.AVAILABLE))
    station.answer({})
    station.tell(status(S.PREPARING))
    station.tell(status(S.AVAILABLE))
    station.pass_time(20.0)
    assert told_statuses(station) == ["Available"]


def fault(code: str, second: float) -> ConnectorStatusChanged:
    at = WALL + timedelta(seconds=second)
    return ConnectorStatusChanged(1, S.FAULTED, code, "text", at, "code")


@pytest.mark.rule("B-198")
@pytest.mark.parametrize("wish", ["true", "false"])
def test_faults_that_came_and_went_in_an_outage_are_told_on_wish_with_their_times(wish: str):
    station = Station({"ReportResolvedFaults": wish}).online()
    station.tell(status(S.AVAILABLE))
    station.answer({})
    station.lose()
    station.clear()
    for each in (fault("GroundFailure", 5), status(S.AVAILABLE), fault("OtherError", 9), status(S.AVAILABLE)):
        station.tell(each)
    station.tell(status(S.PREPARING))
    station.connect()
    while station.state.flight is not None:
        station.answer({})
    told = [(call.payload["errorCode"], call.payload["timestamp"]) for call in station.sent]
    faults = [("GroundFailure", "2026-01-05T09:30:05.000Z"), ("OtherError", "2026-01-05T09:30:09.000Z")]
    assert told == [*(faults if wish == "true" else []), ("NoError", "2026-01-05T09:30:00.000Z")]


def test_a_fault_that_was_told_is_not_told_again_when_it_goes_in_an_outage():
    station = Station({"ReportResolvedFaults": "true"}).online()
    station.tell(fault("GroundFailure", 5))
    station.answer({})
    station.lose()
    station.clear()
    station.tell(status(S.AVAILABLE))
    station.connect()
    assert told_statuses(station) == ["Available"]


# ------------------------------------------------------------ the levels of the queue


@pytest.mark.rule("B-015")
def test_statuses_wait_while_seventy_messages_do_and_then_the_latest_is_told():
    station = Station({"StatusNotificationQueueLevel": "70"})
    station.start()
    station.offer(started(), *(metered(ordinal=number) for number in range(1, 70)))
    station.connect()
    station.answer(ACCEPTED)
    assert station.queued() == 70
    station.tell(status(S.PREPARING))
    station.tell(status(S.CHARGING))
    assert station.actions() == ["BootNotification", "StartTransaction"]
    station.answer(started_answer())  # 69 are left
    station.answer({})
    station.answer({})
    assert told_statuses(station) == ["Charging"]


@pytest.mark.rule("B-014", "B-016", "B-019", "B-021")
def test_a_full_queue_lets_no_session_begin_loses_nothing_and_ends_by_itself():
    station = Station({"OcppQueueCapacity": "3"})
    station.start()
    station.offer(started(), metered())
    assert rooms(station) == []
    station.offer(metered(ordinal=2))
    assert rooms(station) == ["Full"]
    assert station.alarms() == ["ocpp-queue-full"]
    station.offer(ended(ordinal=3))  # of the session that runs
    assert station.queued() == 4
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    station.answer(started_answer())
    assert rooms(station) == ["Full"]
    station.answer({})
    assert rooms(station) == ["Full", "Room"]
    station.answer({})
    station.answer({})
    assert station.actions()[2:] == ["StartTransaction", "MeterValues", "MeterValues", "StopTransaction"]


@pytest.mark.rule("B-020")
def test_it_is_told_as_an_error_only_on_wish():
    station = Station({"OcppQueueCapacity": "1"}).online()
    station.offer(started())
    station.ask("ChangeConfiguration", {"key": "OcppQueueFullAsErrorState", "value": "true"})
    assert rooms(station) == ["Full", "Error"]


def test_a_restart_and_a_charge_point_that_begins_anew_know_of_it():
    station = Station({"OcppQueueCapacity": "1"})
    station.start()
    station.offer(started())
    station.restart()
    assert rooms(station) == ["Full", "Full"]
    station.tell(RepeatSettings("board/cp2"))
    assert rooms(station, "board/cp2") == ["Full", "Full", "Full"]

"""ChangeAvailability, UnlockConnector, ClearCache, Reset and DataTransfer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from park.model.access import (
    NO_LOCK,
    ConnectorStatus,
    ConnectorStatusChanged,
    Done,
    Refused,
    RepeatSettings,
    SettingChanged,
    Undeliverable,
)
from park.model.session import StopReason
from park.ocpp.effects import EndSession, ForgetCards, RestartBoards, SettingsRepeated, UnlockRemotely
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.orders import ChangeSetting
from tests.support.facts import ended, started
from tests.support.station import WALL, Station, started_answer
from tests.support.timeless import Timeless


class Nobody:
    def tell(self, message: object) -> None:
        pass


def available(station: Station, connector: int, kind: str) -> str:
    return station.ask("ChangeAvailability", {"connectorId": connector, "type": kind})["status"]


def operative(station: Station) -> dict[str, bool]:
    """What each charge point was told last."""
    told: dict[str, bool] = {}
    for each in station.of(SettingsRepeated):
        for one in each.messages:
            if one.name == "Operative":
                told[each.charge_point] = bool(one.value)
    return told


def stands(station: Station, connector: int, status: ConnectorStatus) -> None:
    station.tell(ConnectorStatusChanged(connector, status, "NoError", "", WALL))


def on_site(station: Station, key: str, value: str) -> None:
    station.tell(ChangeSetting("r", key, value, "command line", Nobody()))


# ------------------------------------------------------------ availability


def test_a_connector_goes_out_of_service_and_stays_so_over_a_restart():
    station = Station().online()
    station.clear()
    assert available(station, 2, "Inoperative") == "Accepted"
    assert operative(station) == {"board/cp1": True, "board/cp2": False, "board/cp3": True}
    station.clear()
    station.restart()
    assert operative(station)["board/cp2"] is False
    station.clear()
    station.tell(RepeatSettings("board/cp2"))  # its board was away
    assert operative(station) == {"board/cp2": False}


@pytest.mark.rule("B-185")
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (ConnectorStatus.AVAILABLE, "Accepted"),
        (ConnectorStatus.PREPARING, "Scheduled"),
        (ConnectorStatus.CHARGING, "Scheduled"),
        (ConnectorStatus.FINISHING, "Scheduled"),
        (ConnectorStatus.FAULTED, "Accepted"),
        (ConnectorStatus.UNAVAILABLE, "Accepted"),
    ],
)
def test_while_a_vehicle_is_there_it_is_scheduled(status: ConnectorStatus, answer: str):
    station = Station().online()
    stands(station, 1, status)
    assert available(station, 1, "Inoperative") == answer
    assert available(station, 1, "Operative") == "Accepted"


def test_connector_zero_is_all_of_them_and_itself():
    station = Station().online()
    station.clear()
    assert available(station, 0, "Inoperative") == "Accepted"
    assert set(operative(station).values()) == {False}
    assert station.sent[-1].payload["connectorId"] == 0
    assert station.sent[-1].payload["status"] == "Unavailable"
    station.answer({})
    available(station, 0, "Operative")
    assert set(operative(station).values()) == {True}
    assert station.sent[-1].payload["status"] == "Available"


@pytest.mark.parametrize("connector", [9, -1])
def test_unknown_connectors_are_rejected(connector: int):
    assert available(Station().online(), connector, "Inoperative") == "Rejected"


def test_a_full_disk_changes_no_availability():
    station = Station().online()
    station.clear()
    station.writes = False
    station.tell(BackendCalled("b1", "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}))
    station.fail_commit()
    assert [each.payload["status"] for each in station.of(SendResult)] == ["Rejected"]
    assert operative(station) == {}


@pytest.mark.rule("B-041", "B-211")
@pytest.mark.parametrize(
    ("backend", "local", "forced", "expected"),
    [
        ("Operative", "Operative", "None", True),
        ("Inoperative", "Operative", "None", False),
        ("Operative", "Inoperative", "None", False),
        ("Inoperative", "Inoperative", "None", False),
        ("Inoperative", "Inoperative", "Operative", True),
        ("Operative", "Operative", "Inoperative", False),
    ],
)
def test_backend_and_people_on_site_must_agree_unless_it_is_forced(
    backend: str, local: str, forced: str, expected: bool
):
    station = Station().online()
    available(station, 1, backend)
    on_site(station, "LocalAvailability[1]", local)
    on_site(station, "ConnectorStateOverride[1]", forced)
    assert operative(station)["board/cp1"] is expected
    assert operative(station)["board/cp2"] is True


@pytest.mark.rule("B-391")
def test_by_setting_nobody_charges_before_the_time_is_known():
    station = Station({"AvailabilityOnlyWhenTimeSynchronized": "true"})
    station.wall = datetime(1970, 1, 1, tzinfo=UTC)
    station.online()
    assert operative(station) == dict.fromkeys(("board/cp1", "board/cp2", "board/cp3"), False)
    station.clear()
    station.pass_time(5.0)
    assert operative(station) == {}
    station.wall = datetime(2027, 1, 1, tzinfo=UTC)
    wake = station.state.wake_at
    assert wake is not None
    assert wake <= station.mono + 1.0
    station.pass_time(1.0)
    assert operative(station) == dict.fromkeys(("board/cp1", "board/cp2", "board/cp3"), True)


@pytest.mark.rule("B-391")
def test_a_clock_that_was_lost_and_went_on_from_its_last_time_is_not_known():
    station = Timeless({"AvailabilityOnlyWhenTimeSynchronized": "true"})
    station.wall = datetime(2027, 1, 1, tzinfo=UTC)
    station.online()
    assert operative(station) == dict.fromkeys(("board/cp1", "board/cp2", "board/cp3"), False)
    station.known = True
    station.pass_time(1.0)
    assert operative(station) == dict.fromkeys(("board/cp1", "board/cp2", "board/cp3"), True)


def test_without_that_setting_the_time_is_of_no_matter():
    station = Station()
    station.wall = datetime(1970, 1, 1, tzinfo=UTC)
    assert operative(station.online()) == dict.fromkeys(("board/cp1", "board/cp2", "board/cp3"), True)


# ------------------------------------------------------------ unlock, cache


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Done("r"), "Unlocked"),
        (Refused("r", "the plug did not come free"), "UnlockFailed"),
        (Undeliverable("r", "board away"), "UnlockFailed"),
        (Refused("r", NO_LOCK), "NotSupported"),
    ],
)
def test_unlocking_is_answered_by_the_charge_point(answer: Done | Refused | Undeliverable, status: str):
    station = Station().online()
    station.tell(BackendCalled("b1", "UnlockConnector", {"connectorId": 2}))
    (order,) = station.of(UnlockRemotely)
    assert order.charge_point == "board/cp2"
    kind = type(answer)
    station.tell(kind(order.request_id) if kind is Done else kind(order.request_id, answer.reason))  # type: ignore[union-attr,call-arg]
    assert [each.payload["status"] for each in station.of(SendResult)] == [status]


@pytest.mark.rule("B-224")
def test_unlocking_has_failed_after_twenty_seconds_at_the_latest():
    station = Station().online()
    station.tell(BackendCalled("b1", "UnlockConnector", {"connectorId": 2}))
    station.pass_time(5.0)
    assert station.of(SendResult) == []
    for _ in range(3):
        station.pass_time(5.0)
    assert [each.payload["status"] for each in station.of(SendResult)] == ["UnlockFailed"]


@pytest.mark.parametrize("connector", [0, 7])
def test_there_is_nothing_to_unlock_elsewhere(connector: int):
    assert Station().online().ask("UnlockConnector", {"connectorId": connector}) == {"status": "NotSupported"}


@pytest.mark.parametrize(("kind", "status"), [(Done, "Accepted"), (Refused, "Rejected")])
def test_the_cache_is_the_authorizers(kind: type[Done | Refused], status: str):
    station = Station().online()
    station.tell(BackendCalled("b1", "ClearCache", {}))
    (order,) = station.of(ForgetCards)
    station.tell(Done(order.request_id) if kind is Done else Refused(order.request_id, "no cache"))
    assert [each.payload["status"] for each in station.of(SendResult)] == [status]


# ------------------------------------------------------------ reset


@pytest.mark.rule("B-190", "B-110")
def test_a_soft_reset_ends_sessions_and_waits_for_their_stops():
    station = Station().online()
    station.offer(started(point="board/cp1"))
    station.answer(started_answer(5))
    station.clear()
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    assert station.of(EndSession) == [EndSession(f"board/cp{number}", StopReason.SOFT_RESET) for number in (1, 2, 3)]
    station.pass_time(3.0)
    station.offer(ended(ordinal=1, point="board/cp1"))
    station.pass_time(1.0)
    assert station.of(RestartBoards) == []  # the stop has no answer yet
    station.answer({})
    station.pass_time(1.0)
    assert station.of(RestartBoards) == [RestartBoards(None, hard=False)]
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Rejected"}
    station.pass_time(60.0)
    assert len(station.of(RestartBoards)) == 1


@pytest.mark.rule("B-109")
@pytest.mark.parametrize(("kind", "seconds", "reason"), [("Soft", 30.0, "SoftReset"), ("Hard", 10.0, "HardReset")])
def test_a_backend_that_does_not_answer_holds_no_reset_up(kind: str, seconds: float, reason: str):
    station = Station().online()
    station.offer(started(point="board/cp1"))
    station.clear()
    station.ask("Reset", {"type": kind})
    assert {end.reason.value for end in station.of(EndSession)} == {reason}
    station.pass_time(seconds - 0.5)
    assert station.of(RestartBoards) == []
    station.pass_time(0.5)
    assert station.of(RestartBoards) == [RestartBoards(None, hard=kind == "Hard")]


def test_by_setting_a_reset_waits_for_no_other_board():
    station = Station().online()
    station.ask("ChangeConfiguration", {"key": "ResetScope", "value": "RejectedWhileOthersCharge"})
    station.offer(started(point="elsewhere/cp1"))
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Rejected"}
    station.offer(ended(ordinal=1, point="elsewhere/cp1"))
    assert station.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}


# ------------------------------------------------------------ data transfer


@pytest.mark.rule("B-111")
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"vendorId": "nobody"}, "UnknownVendorId"),
        ({"vendorId": "chargepark"}, "UnknownMessageId"),
        ({"vendorId": "chargepark", "messageId": "Dance"}, "UnknownMessageId"),
        ({"vendorId": "chargepark", "messageId": "RestartBoard", "data": "nowhere"}, "Rejected"),
        ({"vendorId": "chargepark", "messageId": "RestartBoard", "data": "board"}, "Accepted"),
    ],
)
def test_data_of_the_backend(payload: dict[str, str], status: str):
    assert Station().online().ask("DataTransfer", payload) == {"status": status}


def test_one_board_restarts_by_itself_and_again():
    station = Station().online()
    order = {"vendorId": "chargepark", "messageId": "RestartBoard", "data": "board"}
    for _ in range(2):
        station.clear()
        assert station.ask("DataTransfer", order) == {"status": "Accepted"}
        station.pass_time(2.0)
        assert station.of(RestartBoards) == [RestartBoards(("board",), hard=False)]
    assert SettingChanged("Operative", value=False) not in station.of(SettingChanged)

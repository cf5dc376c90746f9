"""SetChargingProfile, ClearChargingProfile, GetCompositeSchedule, and the limits the load management hears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from park.model.access import Done, Refused, RepeatSettings
from park.model.limit import LimitKind
from park.model.standing_limits import HoldLimits
from park.ocpp.effects import StartRemotely
from park.ocpp.link import BackendCalled, SendResult
from tests.support.facts import ended, started
from tests.support.station import Station, started_answer

WALL = datetime(2026, 12, 1, 12, tzinfo=UTC)


def station(keys: dict[str, str] | None = None) -> Station:
    made = Station(keys)
    made.wall = WALL
    return made.online()


def profile(number: int = 1, purpose: str = "TxDefaultProfile", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    schedule = {
        "chargingRateUnit": changes.pop("unit", "A"),
        "chargingSchedulePeriod": changes.pop("periods", [{"startPeriod": 0, "limit": changes.pop("limit", 10.0)}]),
        **changes.pop("schedule", {}),
    }
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **changes,
    }


def put(station: Station, connector: int, payload: dict[str, Any]) -> str:
    return station.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": payload})["status"]


def heard(station: Station) -> list[HoldLimits]:
    return [held for held in station.of(HoldLimits) if held.kind is LimitKind.PROFILE]


def limits(station: Station) -> dict[str, int | None]:
    """Target → amperes, of the newest the load management heard."""
    held = heard(station)[-1]
    return {each.target: None if each.limit_ma is None else each.limit_ma[0] // 1_000 for each in held.limits}


def session(station: Station, number: int = 1, transaction: int = 7) -> None:
    """A session runs, and the backend has given it a number."""
    fact = replace(started(f"s{number}", f"board/cp{number}", number), at=station.now().wall)
    station.offer(fact)
    station.answer(started_answer(transaction))


def test_the_load_management_hears_once_that_nothing_limits():
    assert limits(station()) == {}
    assert len(heard(station())) == 1


@pytest.mark.rule("B-179", "B-161")
def test_each_purpose_limits_what_it_is_for():
    here = station()
    assert put(here, 0, profile(1, "ChargePointMaxProfile", limit=40.0)) == "Accepted"
    assert put(here, 0, profile(2, limit=16.0)) == "Accepted"
    assert put(here, 2, profile(3, limit=8.0)) == "Accepted"
    assert limits(here) == {"grid": 40, "board/cp1": 16, "board/cp2": 8, "board/cp3": 16}
    session(here)
    assert put(here, 1, profile(4, "TxProfile", limit=12.0, transactionId=7)) == "Accepted"
    assert limits(here)["board/cp1"] == 12
    sources = {each.target: each.source for each in heard(here)[-1].limits}
    assert sources["board/cp1"] == "backend profile 4 (TxProfile, level 0)"


@pytest.mark.parametrize(
    ("connector", "payload"),
    [
        pytest.param(1, profile(1, "ChargePointMaxProfile"), id="the station's on a connector"),
        pytest.param(9, profile(), id="no such connector"),
        pytest.param(-1, profile(), id="a negative connector"),
        pytest.param(1, profile(1, "TxProfile"), id="no session there"),
        pytest.param(0, profile(1, "TxProfile"), id="a transaction of the whole station"),
        pytest.param(1, profile(transactionId=7), id="a default with a transaction"),
        pytest.param(1, profile(stackLevel=7), id="above the highest level", marks=pytest.mark.rule("B-140")),
        pytest.param(1, profile(stackLevel=-1), id="below the lowest level"),
        pytest.param(1, profile(periods=[]), id="no period"),
        pytest.param(1, profile(periods=[{"startPeriod": 1, "limit": 6}]), id="a gap at the start"),
        pytest.param(1, profile(periods=[{"startPeriod": 0, "limit": 6}] * 2), id="two periods at once"),
        pytest.param(
            1, profile(periods=[{"startPeriod": n, "limit": 6} for n in range(256)]), id="more periods than are offered"
        ),
        pytest.param(1, profile(limit=-1), id="less than nothing"),
        pytest.param(1, profile(limit=float("inf")), id="no end of current"),
        pytest.param(1, profile(limit=float("nan")), id="not a number"),
        pytest.param(1, profile(limit=1e300), id="more than any grid has"),
        pytest.param(1, profile(periods=[{"startPeriod": 0, "limit": 6, "numberPhases": 4}]), id="four phases"),
        pytest.param(1, profile(schedule={"duration": 0}), id="no time at all"),
        pytest.param(1, profile(chargingProfileKind="Recurring", recurrencyKind="Daily"), id="recurring from no start"),
        pytest.param(
            1,
            profile(chargingProfileKind="Recurring", schedule={"startSchedule": "2026-12-01T00:00:00Z"}),
            id="recurring, nobody says how often",
        ),
        pytest.param(1, profile(validTo="2026-11-30T00:00:00Z"), id="over already"),
        pytest.param(
            1, profile(validFrom="2026-12-03T00:00:00Z", validTo="2026-12-02T00:00:00Z"), id="ends before it begins"
        ),
        pytest.param(1, profile(validFrom="soon"), id="no time"),
    ],
)
def test_a_profile_that_makes_no_sense_here_is_rejected(connector: int, payload: dict[str, Any]):
    here = station()
    assert put(here, connector, payload) == "Rejected"
    assert limits(here) == {}
    assert not any(table == "charging_profiles" for table, _ in here.disk)


def test_a_transaction_of_another_number_is_rejected():
    here = station()
    session(here)
    assert put(here, 1, profile(1, "TxProfile", transactionId=8)) == "Rejected"
    assert put(here, 2, profile(1, "TxProfile", transactionId=7)) == "Rejected"
    assert put(here, 1, profile(1, "TxProfile")) == "Accepted"


@pytest.mark.rule("B-140", "B-208")
def test_no_more_profiles_than_the_key_says():
    here = station()
    listed = here.ask("GetConfiguration", {"key": ["MaxChargingProfilesInstalled"]})["configurationKey"]
    most = int(listed[0]["value"])
    assert most == 8 * 4
    places = [(connector, level) for connector in (0, 1, 2, 3) for level in range(7)]
    taken = [
        put(here, connector, profile(number, stackLevel=level)) for number, (connector, level) in enumerate(places)
    ]
    taken += [put(here, 0, profile(100 + level, "ChargePointMaxProfile", stackLevel=level)) for level in range(6)]
    assert taken == ["Accepted"] * most + ["Rejected"] * (len(taken) - most)
    assert put(here, 0, profile(0, limit=9.0)) == "Accepted"  # it replaces one


def test_the_same_place_or_number_is_replaced():
    here = station()
    put(here, 1, profile(1, limit=10.0))
    assert put(here, 1, profile(2, limit=11.0)) == "Accepted"
    assert put(here, 2, profile(2, limit=12.0)) == "Accepted"
    assert limits(here) == {"board/cp2": 12}
    assert [key for table, key in here.disk if table == "charging_profiles"] == ["GARAGE/2"]


def test_two_for_one_place_at_once_leave_the_later():
    here = station()
    here.writes = False
    for number in (1, 2):
        payload = {"connectorId": 1, "csChargingProfiles": profile(number, limit=10.0 + number)}
        here.tell(BackendCalled(f"b{number}", "SetChargingProfile", payload))
    here.writes = True
    here.commit()
    here.commit()
    assert limits(here) == {"board/cp1": 12}
    assert [key for table, key in here.disk if table == "charging_profiles"] == ["GARAGE/2"]


@pytest.mark.rule("B-178", "B-222")
def test_a_profile_holds_when_it_is_on_disk_and_after_a_restart():
    here = station()
    here.writes = False
    here.tell(BackendCalled("b1", "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": profile()}))
    assert here.of(SendResult) == []
    assert limits(here) == {}
    here.commit()
    assert here.of(SendResult)[-1].payload == {"status": "Accepted"}
    here.writes = True
    here.clear()
    here.restart()
    assert limits(here) == {f"board/cp{number}": 10 for number in (1, 2, 3)}


def test_a_full_disk_rejects_and_nothing_changes():
    here = station()
    put(here, 0, profile(limit=20.0))
    here.writes = False
    here.tell(BackendCalled("b1", "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": profile(limit=10.0)}))
    here.fail_commit()
    here.tell(BackendCalled("b2", "ClearChargingProfile", {}))
    here.fail_commit()
    assert [each.payload["status"] for each in here.of(SendResult)][-2:] == ["Rejected", "Unknown"]
    assert limits(here)["board/cp1"] == 20


@pytest.mark.rule("B-178")
def test_a_tx_profile_goes_with_its_transaction_even_if_that_ended_while_we_were_away():
    here = station()
    session(here)
    put(here, 1, profile(1, "TxProfile", limit=9.0))
    put(here, 1, profile(2, limit=20.0))
    here.restart()
    assert limits(here)["board/cp1"] == 9
    here.offer(replace(ended("s1", 1, "board/cp1"), at=here.now().wall))
    assert limits(here) == {"board/cp1": 20}
    assert [key for table, key in here.disk if table == "charging_profiles"] == ["GARAGE/2"]
    session(here, 1, 8)
    assert limits(here) == {"board/cp1": 20}


def test_limits_follow_the_schedule_by_a_timer():
    here = station()
    periods = [{"startPeriod": 0, "limit": 10}, {"startPeriod": 30, "limit": 7}, {"startPeriod": 90, "limit": 20}]
    put(here, 1, profile(periods=periods, schedule={"duration": 120}))
    session(here)
    began = here.mono
    heard: dict[float, int | None] = {}
    while here.mono < began + 130:
        due = here.state.wake_at
        assert due is not None
        here.pass_time(max(0.0, min(due, began + 130) - here.mono))
        heard[round(here.mono - began)] = limits(here).get("board/cp1")
    changes = {at: amps for at, amps in heard.items() if at in {30, 90, 120}}
    assert changes == {30: 7, 90: 20, 120: None}


def test_a_wall_clock_that_is_set_moves_the_schedule():
    here = station()
    begins = (WALL + timedelta(hours=1)).isoformat()
    put(here, 0, profile(chargingProfileKind="Absolute", schedule={"startSchedule": begins}))
    assert limits(here) == {}
    here.wall += timedelta(hours=2)
    here.pass_time(1)
    assert limits(here)["board/cp1"] == 10
    here.wall -= timedelta(hours=2)
    here.pass_time(1)
    assert limits(here) == {}


def test_what_held_before_goes_on_while_the_clock_is_not_set():
    here = station()
    put(here, 0, profile())
    here.clear()
    here.wall = datetime(1970, 1, 1, tzinfo=UTC)
    here.restart()
    here.pass_time(100)
    assert heard(here) == []
    here.wall = WALL
    here.pass_time(1)
    assert limits(here)["board/cp1"] == 10


def test_a_load_management_that_began_anew_hears_it_again():
    here = station()
    put(here, 0, profile())
    here.clear()
    here.tell(RepeatSettings(RepeatSettings.COORDINATOR))
    assert limits(here)["board/cp1"] == 10


def test_the_least_that_is_worth_while_goes_along():
    here = station()
    put(here, 1, profile(1, limit=20.0, schedule={"minChargingRate": 8.1}))
    put(here, 2, profile(2, unit="W", limit=11000.0, schedule={"minChargingRate": 5520.0}))
    assert [each.minimum_ma for each in heard(here)[-1].limits] == [8_100, 8_000]
    assert [each.limit_w for each in heard(here)[-1].limits] == [None, 11_000]


@pytest.mark.rule("B-139")
def test_smart_charging_switched_off_means_the_nominal_current():
    here = station({"SmartChargingEnabled": "false", "NominalAmperage": "14"})
    put(here, 0, profile(1, "ChargePointMaxProfile", limit=40.0))
    put(here, 0, profile(2, limit=10.0))
    assert limits(here) == {f"board/cp{number}": 14 for number in (1, 2, 3)}


@pytest.mark.rule("B-138")
def test_at_first_a_session_has_the_nominal_current():
    here = station({"NominalPeriod": "30", "NominalAmperage": "14"})
    put(here, 1, profile(1, limit=10.0))
    session(here)
    assert limits(here)["board/cp1"] == 14
    here.pass_time(30)
    assert limits(here)["board/cp1"] == 10


@pytest.mark.rule("B-079")
def test_without_the_backend_the_disconnected_limit_rules_if_that_is_wished():
    here = station({"SmartChargingUseDisconnectedLimit": "true", "SmartChargingDisconnectedLimit": "7"})
    put(here, 0, profile(1, limit=10.0))
    put(here, 0, profile(2, "ChargePointMaxProfile", limit=40.0))
    here.lose()
    assert limits(here) == {"grid": 40, **{f"board/cp{number}": 7 for number in (1, 2, 3)}}
    here.connect()
    assert limits(here)["board/cp1"] == 10


@pytest.mark.rule("B-079")
def test_a_connector_may_have_a_disconnected_limit_of_its_own():
    here = station()
    for key, value in (("SmartChargingUseDisconnectedLimit[2]", "true"), ("SmartChargingDisconnectedLimit[2]", "9")):
        assert here.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Accepted"}
    here.lose()
    assert limits(here) == {"board/cp2": 9}


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ({}, set()),
        ({"id": 1}, {2, 3, 4}),
        ({"connectorId": 0}, {3, 4}),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, {1}),
        ({"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}, {1, 2, 3}),
        ({"connectorId": 1, "stackLevel": 0}, {1, 2, 4}),
        ({"id": 3, "connectorId": 2}, None),
        ({"id": 99}, None),
        ({"connectorId": 3}, None),
    ],
)
def test_clear_means_all_that_matches(request_: dict[str, Any], left: set[int] | None):
    here = station()
    put(here, 0, profile(1, "ChargePointMaxProfile"))
    put(here, 0, profile(2))
    put(here, 1, profile(3))
    put(here, 1, profile(4, stackLevel=1))
    status = here.ask("ClearChargingProfile", request_)["status"]
    assert status == ("Unknown" if left is None else "Accepted")
    kept = {int(key.partition("/")[2]) for table, key in here.disk if table == "charging_profiles"}
    assert kept == ({1, 2, 3, 4} if left is None else left)


@pytest.mark.rule("B-111")
def test_a_composite_schedule_tells_the_least_of_all():
    here = station()
    put(here, 0, profile(1, "ChargePointMaxProfile", limit=20.0))
    put(here, 1, profile(2, periods=[{"startPeriod": 0, "limit": 16.1}, {"startPeriod": 60, "limit": 24.0}]))
    answer = here.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 100})
    assert (answer["status"], answer["connectorId"], answer["scheduleStart"]) == (
        "Accepted",
        1,
        "2026-12-01T12:00:00.000Z",
    )
    assert answer["chargingSchedule"] == {
        "duration": 100,
        "startSchedule": "2026-12-01T12:00:00.000Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
            {"startPeriod": 60, "limit": 20.0, "numberPhases": 3},
        ],
    }
    watts = here.ask("GetCompositeSchedule", {"connectorId": 0, "duration": 100, "chargingRateUnit": "W"})
    assert watts["chargingSchedule"]["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 20 * 230 * 3, "numberPhases": 3}
    ]


@pytest.mark.parametrize("question", [{"connectorId": 9, "duration": 10}, {"connectorId": 1, "duration": 0}])
def test_a_composite_of_nothing_is_rejected(question: dict[str, Any]):
    assert station().ask("GetCompositeSchedule", question) == {"status": "Rejected"}


@pytest.mark.rule("B-184")
def test_a_remote_start_brings_its_profile():
    here = station()
    order = {"idTag": "04a1b2c3", "chargingProfile": profile(5, "TxProfile", limit=11.0)}
    here.tell(BackendCalled("b1", "RemoteStartTransaction", order))
    (start,) = here.of(StartRemotely)
    here.tell(Done(start.request_id))
    assert limits(here) == {}
    session(here, 2)
    assert limits(here) == {"board/cp2": 11}
    here.restart()
    assert limits(here) == {"board/cp2": 11}


def test_a_session_of_the_same_card_that_ran_before_gets_none_of_it():
    here = station()
    session(here, 1)
    order = {"idTag": "04A1B2C3", "chargingProfile": profile(5, "TxProfile", limit=11.0)}
    here.tell(BackendCalled("b1", "RemoteStartTransaction", order))
    (start,) = here.of(StartRemotely)
    here.tell(Done(start.request_id))
    assert limits(here) == {}
    session(here, 2, 8)
    assert limits(here) == {"board/cp2": 11}


@pytest.mark.parametrize("answer", ["refused", "too late"])
def test_a_remote_start_that_comes_to_nothing_brings_none(answer: str):
    here = station()
    order = {"idTag": "04A1B2C3", "connectorId": 1, "chargingProfile": profile(5, "TxProfile")}
    here.tell(BackendCalled("b1", "RemoteStartTransaction", order))
    (start,) = here.of(StartRemotely)
    here.tell(Refused(start.request_id, "no") if answer == "refused" else Done(start.request_id))
    if answer == "too late":
        here.pass_time(200)
    session(here)
    assert limits(here) == {}


@pytest.mark.parametrize(
    "brought", [profile(5), profile(5, "TxProfile", transactionId=3), profile(5, "TxProfile", periods=[])]
)
def test_a_remote_start_with_another_kind_of_profile_is_rejected(brought: dict[str, Any]):
    here = station()
    answer = here.ask("RemoteStartTransaction", {"idTag": "T", "connectorId": 1, "chargingProfile": brought})
    assert answer == {"status": "Rejected"}
    assert here.of(StartRemotely) == []


def test_a_row_that_cannot_be_read_is_alarmed_and_left_alone():
    here = station()
    here.disk["charging_profiles", "GARAGE/1"] = '{"connector": 1, "payload": [], "at": 0, "session": null}'
    here.restart()
    assert "charging-profile-unreadable" in here.alarms()
    assert ("charging_profiles", "GARAGE/1") in here.disk

"""TC_067_CS Clear Charging Profile."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_by_its_number(case: Case):
    case.sets_profile(case.connector, profile("TxDefaultProfile", schedule((0, 8)), number=7))
    case.sends("Accepted", "ClearChargingProfile", id=7)
    case.sends("Unknown", "ClearChargingProfile", id=7)
    case.charging_session(VALID)
    case.until("nothing limits the vehicle", lambda: case.signalled() == 32_000)


def limits(case: Case) -> list[float]:
    made = case.send("GetCompositeSchedule", connectorId=case.connector, duration=100)["chargingSchedule"]
    return [each["limit"] for each in made["chargingSchedulePeriod"]]


def test_by_where_and_what_it_is(case: Case):
    limit = profile("TxDefaultProfile", schedule((0, 8)), number=7, level=1, kind="Absolute")
    for which in (
        {"connectorId": case.connector},
        {"chargingProfilePurpose": "TxDefaultProfile"},
        {"connectorId": case.connector, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1},
    ):
        case.sets_profile(case.connector, limit)
        assert limits(case) == [8]
        case.sends("Accepted", "ClearChargingProfile", **which)
        assert limits(case) == [32]
        case.sends("Unknown", "ClearChargingProfile", **which)


@pytest.mark.parametrize(
    "other", [{"stackLevel": 2}, {"chargingProfilePurpose": "TxProfile"}, {"connectorId": 0}, {"id": 8}]
)
def test_another_one_stays(case: Case, other: dict[str, object]):
    case.sets_profile(case.connector, profile("TxDefaultProfile", schedule((0, 8)), number=7, level=1, kind="Absolute"))
    case.sends("Unknown", "ClearChargingProfile", **other)
    assert limits(case) == [8]

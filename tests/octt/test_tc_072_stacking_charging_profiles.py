"""TC_072_CS Stacking Charging Profiles."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_the_higher_level_holds_while_it_says_something(case: Case):
    long = schedule((0, 6), (100, 8), (200, 10), duration=400)
    short = schedule((0, 7), (100, 9), duration=150)
    case.sets_profile(case.connector, profile("TxDefaultProfile", long, number=1, level=0, kind="Absolute"))
    case.sets_profile(case.connector, profile("TxDefaultProfile", short, number=2, level=1, kind="Absolute"))
    case.charging_session(VALID)
    case.until("the vehicle is offered the higher level's limit", lambda: case.signalled() == 7_000)
    answer = case.send("GetCompositeSchedule", connectorId=case.connector, duration=350)
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert [each["limit"] for each in periods] == [7, 9, 8, 10]

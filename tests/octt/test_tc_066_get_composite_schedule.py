"""TC_066_CS Get Composite Schedule."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]

DURATION = 400  # seconds


def test_the_smallest_limit_of_each_time(case: Case):
    """The station's limit, the preset for transactions, and the transaction's own profile, which stands above that."""
    case.sets_profile(0, profile("ChargePointMaxProfile", schedule((0, 10)), number=1, kind="Absolute"))
    case.sets_profile(case.connector, profile("TxDefaultProfile", schedule((0, 6)), number=2, kind="Absolute"))
    transaction = case.charging_session(VALID)
    own = schedule((0, 8), (100, 12), (200, 7))
    case.sets_profile(case.connector, profile("TxProfile", own, number=3, transaction=transaction.number))
    answer = case.send("GetCompositeSchedule", connectorId=case.connector, duration=DURATION)
    assert (answer["status"], answer["connectorId"]) == ("Accepted", case.connector)
    made = answer["chargingSchedule"]
    assert (made["duration"], made["chargingRateUnit"]) == (DURATION, "A")
    periods = [(each["startPeriod"], each["limit"]) for each in made["chargingSchedulePeriod"]]
    assert [limit for _, limit in periods] == [8, 10, 7]
    starts = [start for start, _ in periods]
    assert starts[0] == 0
    assert all(abs(start - wanted) <= 30 for start, wanted in zip(starts[1:], (100, 200), strict=True))


def test_of_the_whole_station(case: Case):
    case.sets_profile(0, profile("ChargePointMaxProfile", schedule((0, 10)), kind="Absolute"))
    made = case.send("GetCompositeSchedule", connectorId=0, duration=DURATION)["chargingSchedule"]
    assert [each["limit"] for each in made["chargingSchedulePeriod"]] == [10]

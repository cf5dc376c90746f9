"""TC_059_CS Remote Start Transaction with Charging Profile."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_the_transaction_has_the_profile_it_came_with(case: Case):
    case.plugged_in()
    brought = profile("TxProfile", schedule((0, 11)))
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID, chargingProfile=brought)
    case.started(VALID)
    case.until("the vehicle is offered the limit", lambda: case.signalled() == 11_000)
    made = case.send("GetCompositeSchedule", connectorId=case.connector, duration=300)["chargingSchedule"]
    assert [each["limit"] for each in made["chargingSchedulePeriod"]] == [11]

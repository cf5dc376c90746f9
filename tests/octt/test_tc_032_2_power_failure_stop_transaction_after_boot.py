"""TC_032_2_CS Power Failure Boot Charging Point - Stop Transaction After Boot."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


@hardware("socket", "cable")
def test_the_transaction_goes_on_while_its_vehicle_is_there(case: Case):
    transaction = case.charging_session(VALID)
    case.power_failure()
    case.expect("BootNotification")
    case.status("Charging")
    case.never("StopTransaction")
    case.present(VALID)
    case.stopped(transaction, "Local")
    case.status("Finishing")


@hardware("socket", "cable")
def test_the_transaction_of_a_vehicle_that_left_ends_by_the_power_failure(case: Case):
    transaction = case.charging_session(VALID)
    case.power_failure(meanwhile=case.unplug)
    case.expect("BootNotification")
    stop = case.stopped(transaction, "PowerLoss")
    assert stop["meterStop"] >= transaction.start["meterStart"]
    case.until("the connector is free", lambda: case.last_status() == "Available")
    assert len(case.tool.calls("StopTransaction", case.since)) == 1

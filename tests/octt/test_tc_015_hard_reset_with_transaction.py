"""TC_015_CS Hard Reset With Transaction."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


@hardware("socket", "cable")
def test_the_transaction_ends_with_the_reset(case: Case):
    transaction = case.charging_session(VALID)
    before = case.here()
    case.sends("Accepted", "Reset", type="Hard")
    stop = case.stopped(transaction, "HardReset")
    assert stop["meterStop"] >= transaction.start["meterStart"]
    case.after(before).expect("BootNotification")
    case.until("the connector waits for its vehicle to go", lambda: case.last_status() in {"Preparing", "Finishing"})
    assert len(case.tool.calls("StopTransaction", case.since)) == 1

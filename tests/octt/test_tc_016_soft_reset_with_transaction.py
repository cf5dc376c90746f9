"""TC_016_CS Soft Reset With Transaction."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


@hardware("socket", "cable")
def test_the_transaction_is_told_before_the_reset(case: Case):
    transaction = case.charging_session(VALID)
    case.sends("Accepted", "Reset", type="Soft")
    stop = case.stopped(transaction, "SoftReset")
    assert case.answered(stop)
    case.expect("BootNotification")
    case.until("the connector waits for its vehicle to go", lambda: case.last_status() in {"Preparing", "Finishing"})
    assert len(case.tool.calls("StopTransaction", case.since)) == 1

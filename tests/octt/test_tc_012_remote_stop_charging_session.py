"""TC_012_CS Remote Stop Charging Session."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket", "cable")
def test_the_central_system_ends_it(case: Case):
    transaction = case.charging_session(VALID)
    case.sends("Accepted", "RemoteStopTransaction", transactionId=transaction.number)
    case.stopped(transaction, "Remote")
    case.status("Finishing")
    case.unplug()
    case.status("Available")
    assert not case.charging()

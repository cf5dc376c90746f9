"""TC_005_1_CS EV Side Disconnected - StopTransactionOnEVSideDisconnect and Unlock true."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket", "cable")
def test_the_plug_leaves_the_vehicle(case: Case):
    case.configure(StopTransactionOnEVSideDisconnect=True, UnlockConnectorOnEVSideDisconnect=True)
    transaction = case.charging_session(VALID)
    case.unplug()
    case.stopped(transaction, "EVDisconnected")
    case.status("Finishing")
    case.until("the plug is free", lambda: not case.locked())
    case.status("Available")

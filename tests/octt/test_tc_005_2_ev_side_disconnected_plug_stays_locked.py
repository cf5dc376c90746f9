"""TC_005_2_CS EV Side Disconnected - StopTransactionOnEVSideDisconnect true - Unlock false."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket")
def test_the_plug_stays_until_its_owner_comes(case: Case):
    case.configure(StopTransactionOnEVSideDisconnect=True, UnlockConnectorOnEVSideDisconnect=False)
    transaction = case.charging_session(VALID)
    case.unplug()
    case.stopped(transaction, "EVDisconnected")
    case.status("Finishing")
    assert case.locked()
    case.present(VALID)
    case.until("the plug is free", lambda: not case.locked())
    case.status("Available")

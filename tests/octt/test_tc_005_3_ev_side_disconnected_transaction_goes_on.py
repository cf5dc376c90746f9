"""TC_005_3_CS EV Side Disconnected - StopTransactionOnEVSideDisconnect and Unlock false."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket", "cable")
def test_the_transaction_ends_by_the_central_system(case: Case):
    case.configure(StopTransactionOnEVSideDisconnect=False, UnlockConnectorOnEVSideDisconnect=False)
    transaction = case.charging_session(VALID)
    case.unplug()
    case.status("SuspendedEV")
    case.never("StopTransaction")
    case.sends("Accepted", "RemoteStopTransaction", transactionId=transaction.number)
    case.status("Finishing")
    case.stopped(transaction, "Remote")


@hardware("socket", "cable")
def test_the_transaction_waits_for_the_vehicle(case: Case):
    case.configure(StopTransactionOnEVSideDisconnect=False, UnlockConnectorOnEVSideDisconnect=False)
    transaction = case.charging_session(VALID)
    case.unplug()
    case.status("SuspendedEV")
    case.never("StopTransaction")
    case.plug()
    case.status("Charging")
    case.sends("Accepted", "RemoteStopTransaction", transactionId=transaction.number)
    case.stopped(transaction, "Remote")

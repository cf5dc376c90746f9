"""TC_024_CS Start Charging Session Lock Failure."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket")
def test_what_cannot_be_locked_does_not_charge(case: Case):
    case.fault("lock")
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.status("Preparing")
    case.plug()
    failed = case.status("Faulted")
    assert failed["errorCode"] == "ConnectorLockFailure"
    case.never("StartTransaction")
    assert not case.charging()

"""TC_011_2_CS Remote Start Charging Session - Remote Start First - Time Out."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

TIMEOUT = 2  # seconds


@hardware("socket", "cable")
def test_nobody_plugs_in(case: Case):
    case.configure(ConnectionTimeOut=TIMEOUT)
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.status("Preparing")
    case.status("Available")
    case.plug()
    case.status("Preparing")
    case.never("StartTransaction")

"""TC_004_2_CS Regular Charging Session - Identification First - ConnectionTimeOut."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

TIMEOUT = 2  # seconds


@hardware("socket", "cable")
def test_nobody_plugs_in(case: Case):
    case.configure(ConnectionTimeOut=TIMEOUT)
    case.present(VALID)
    case.expect("Authorize", idTag=VALID)
    case.status("Preparing")
    case.status("Available")
    case.plug()
    case.status("Preparing")
    case.never("StartTransaction")

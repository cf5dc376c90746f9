"""TC_018_2_CS Unlock Connector With Charging Session (Fixed Cable)."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("cable")
def test_there_is_no_lock_and_the_session_goes_on(case: Case):
    case.charging_session(VALID)
    case.sends("NotSupported", "UnlockConnector", connectorId=case.connector)
    assert case.charging()
    case.never("StopTransaction")

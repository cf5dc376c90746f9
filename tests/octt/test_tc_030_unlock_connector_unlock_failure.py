"""TC_030_CS Unlock Connector - Unlock Failure."""

from __future__ import annotations

import pytest
from support.octt import Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket")
def test_a_jammed_lock_is_told(case: Case):
    case.plugged_in()
    case.until("the plug is locked", case.locked)
    case.fault("lock")
    case.sends("UnlockFailed", "UnlockConnector", connectorId=case.connector)
    assert case.locked()

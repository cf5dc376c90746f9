"""TC_018_1_CS Unlock Connector With Charging Session (Not Fixed Cable)."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket")
def test_the_session_ends_and_the_plug_is_freed(case: Case):
    transaction = case.charging_session(VALID)
    case.sends("Unlocked", "UnlockConnector", connectorId=case.connector)
    case.stopped(transaction, "UnlockCommand")
    case.status("Finishing")
    assert not case.locked()
    assert not case.charging()
    case.unplug()
    case.status("Available")

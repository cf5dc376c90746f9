"""TC_017_1_CS Unlock Connector, No Charging Session Running (Not Fixed Cable)."""

from __future__ import annotations

import pytest
from support.octt import Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket")
def test_the_plug_of_nobody_is_freed(case: Case):
    case.plugged_in()
    case.until("the plug is locked", case.locked)
    case.sends("Unlocked", "UnlockConnector", connectorId=case.connector)
    case.until("the plug is free", lambda: not case.locked())
    case.never("StopTransaction")

"""TC_017_2_CS Unlock Connector, No Charging Session Running (Fixed Cable)."""

from __future__ import annotations

import pytest
from support.octt import Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("cable")
def test_there_is_no_lock(case: Case):
    case.sends("NotSupported", "UnlockConnector", connectorId=case.connector)

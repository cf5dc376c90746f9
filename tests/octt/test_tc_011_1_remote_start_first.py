"""TC_011_1_CS Remote Start Charging Session - Remote Start First."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("authorize", [False, True])
@hardware("socket", "cable")
def test_the_order_comes_first(case: Case, *, authorize: bool):
    case.configure(AuthorizeRemoteTxRequests=authorize)
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    if authorize:
        case.expect("Authorize", idTag=VALID)
    case.status("Preparing")
    case.plug()
    case.started(VALID)
    case.status("Charging")

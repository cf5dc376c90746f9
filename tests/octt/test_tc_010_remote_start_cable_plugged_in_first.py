"""TC_010_CS Remote Start Charging Session - Cable Plugged in First."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("authorize", [False, True])
@hardware("socket", "cable")
def test_the_cable_is_in_first(case: Case, *, authorize: bool):
    case.configure(AuthorizeRemoteTxRequests=authorize)
    case.plugged_in()
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    if authorize:
        case.expect("Authorize", idTag=VALID)
    case.started(VALID)
    case.status("Charging")
    if not authorize:
        case.never("Authorize")

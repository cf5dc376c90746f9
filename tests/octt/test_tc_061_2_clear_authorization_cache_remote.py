"""TC_061_2_CS Clear Authorization Data in Authorization Cache - remote."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_a_forgotten_card_is_asked_about_before_a_remote_start(case: Case):
    case.configure(AuthorizationCacheEnabled=True, LocalPreAuthorize=True, AuthorizeRemoteTxRequests=True)
    case.cached(VALID)
    case.sends("Accepted", "ClearCache")
    case.plugged_in()
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.expect("Authorize", idTag=VALID)
    case.started(VALID)
    case.status("Charging")

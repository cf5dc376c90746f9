"""TC_007_2_CS Regular Start Charging Session - Cached Id - remote."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_a_cached_card_starts_remotely_without_a_question(case: Case):
    case.configure(AuthorizationCacheEnabled=True, LocalPreAuthorize=True, AuthorizeRemoteTxRequests=True)
    case.sends("Accepted", "ClearCache")
    case.cached(VALID)
    cached = case.here()
    case.plugged_in()
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.started(VALID)
    case.status("Charging")
    case.never("Authorize", cached)

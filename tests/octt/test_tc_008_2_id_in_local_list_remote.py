"""TC_008_2_CS Regular Start Charging Session - Id in Local Authorization List - remote."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_listed_tag_starts_remotely_without_a_question(case: Case):
    case.configure(LocalPreAuthorize=True, AuthorizeRemoteTxRequests=True)
    case.lists(1, VALID)
    case.plugged_in()
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.started(VALID)
    case.status("Charging")
    case.never("Authorize")

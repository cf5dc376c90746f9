"""TC_023_5_CS Start Charging Session - Authorize invalid, blocked, expired - remote start."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("verdict", ["Invalid", "Blocked", "Expired"])
def test_a_remote_start_of_a_refused_tag_starts_nothing(case: Case, verdict: str):
    case.configure(AuthorizeRemoteTxRequests=True)
    case.answers_tag(case.stranger, verdict)
    case.plugged_in()
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=case.stranger)
    case.expect("Authorize", idTag=case.stranger)
    case.unplug()
    case.status("Available")
    case.never("StartTransaction")

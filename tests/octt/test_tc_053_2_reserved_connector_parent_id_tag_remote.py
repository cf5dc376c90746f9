"""TC_053_2_CS Use a reserved Connector with parentIdTag - remote."""

from __future__ import annotations

import pytest
from support.octt import PARENT, SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_another_tag_of_the_group_may_be_started(case: Case):
    case.configure(AuthorizeRemoteTxRequests=True)
    case.answers_tag(SECOND, "Accepted", PARENT)
    number = case.reserve(VALID, parent=PARENT)
    case.status("Reserved")
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=SECOND)
    case.expect("Authorize", idTag=SECOND)
    case.status("Preparing")
    case.plug()
    case.started(SECOND, reservationId=number)
    case.status("Charging")

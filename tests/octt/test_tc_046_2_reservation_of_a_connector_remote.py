"""TC_046_2_CS Reservation of a Connector - Remote start transaction."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_only_the_tag_it_is_reserved_for_is_started(case: Case):
    number = case.reserve(VALID)
    case.status("Reserved")
    case.sends("Rejected", "RemoteStartTransaction", connectorId=case.connector, idTag=SECOND)
    case.sends("Accepted", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.status("Preparing")
    case.plug()
    case.started(VALID, reservationId=number)
    case.status("Charging")

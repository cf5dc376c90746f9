"""TC_048_3_CS Reservation of a Connector - Unavailable."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_connector_out_of_service_is_not_reserved(case: Case):
    case.sends("Accepted", "ChangeAvailability", connectorId=case.connector, type="Inoperative")
    case.status("Unavailable")
    case.reserve(VALID, status="Unavailable")

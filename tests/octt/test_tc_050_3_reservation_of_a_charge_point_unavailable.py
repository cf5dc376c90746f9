"""TC_050_3_CS Reservation of a Charge Point - Unavailable."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_station_out_of_service_is_not_reserved(case: Case):
    case.sends("Accepted", "ChangeAvailability", connectorId=0, type="Inoperative")
    for connector in (0, *CONNECTORS):
        case.status("Unavailable", connector)
    case.reserve(VALID, connector=0, status="Unavailable")

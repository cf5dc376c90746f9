"""TC_050_2_CS Reservation of a Charge Point - Occupied."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_an_occupied_station_is_not_reserved(case: Case):
    for connector in CONNECTORS:
        case.plug(connector)
    for connector in CONNECTORS:
        case.status("Preparing", connector)
    case.reserve(VALID, connector=0, status="Occupied")

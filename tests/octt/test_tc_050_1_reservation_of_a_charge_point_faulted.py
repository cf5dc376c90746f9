"""TC_050_1_CS Reservation of a Charge Point - Faulted."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_faulted_station_is_not_reserved(case: Case):
    for connector in CONNECTORS:
        case.fault("emergency", connector)
    for connector in CONNECTORS:
        case.status("Faulted", connector)
    case.reserve(VALID, connector=0, status="Faulted")

"""TC_048_2_CS Reservation of a Connector - Occupied."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_an_occupied_connector_is_not_reserved(case: Case):
    case.charging_session(VALID)
    case.reserve(SECOND, status="Occupied")
    assert case.charging()

"""TC_050_4_CS Reservation of a Charge Point - Rejected."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_where_connector_zero_is_not_reservable_it_is_rejected(case: Case):
    case.configure(ReserveConnectorZeroSupported=False)
    case.reserve(VALID, connector=0, status="Rejected")

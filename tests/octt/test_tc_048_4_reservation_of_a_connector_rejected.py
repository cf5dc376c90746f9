"""TC_048_4_CS Reservation of a Connector - Rejected."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, VALID, Case, in_future

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@pytest.mark.parametrize(("connector", "seconds"), [(len(CONNECTORS) + 1, 60), (1, -60)])
def test_what_makes_no_sense_is_rejected(case: Case, connector: int, seconds: int):
    case.sends(
        "Rejected", "ReserveNow", connectorId=connector, expiryDate=in_future(seconds), idTag=VALID, reservationId=1
    )
    case.never("StatusNotification", status="Reserved")

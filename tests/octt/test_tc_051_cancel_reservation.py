"""TC_051_CS Cancel Reservation."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_the_connector_is_free_again(case: Case):
    number = case.reserve(VALID)
    case.status("Reserved")
    case.sends("Accepted", "CancelReservation", reservationId=number)
    case.status("Available")
    case.charging_session(SECOND)

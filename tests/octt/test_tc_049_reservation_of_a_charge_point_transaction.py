"""TC_049_CS Reservation of a Charge Point - Transaction."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_one_connector_is_kept_and_any_serves(case: Case):
    number = case.reserve(VALID, connector=0)
    case.plugged_in()
    case.present(VALID)
    case.started(VALID, reservationId=number)
    case.status("Charging")
    case.sends("Rejected", "CancelReservation", reservationId=number)

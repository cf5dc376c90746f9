"""TC_052_CS Cancel Reservation - Rejected."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_there_is_no_such_reservation(case: Case):
    number = case.reserve(VALID)
    case.status("Reserved")
    case.sends("Rejected", "CancelReservation", reservationId=number + 1)
    case.present(SECOND)
    case.shown("REFUSED")

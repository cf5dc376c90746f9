"""TC_046_1_CS Reservation of a Connector - Local start transaction."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@hardware("socket", "cable")
def test_only_the_card_it_is_reserved_for_charges(case: Case):
    number = case.reserve(VALID)
    case.status("Reserved")
    case.present(SECOND)
    case.shown("REFUSED")
    case.never("Authorize", idTag=SECOND)
    case.present(VALID)
    case.expect("Authorize", idTag=VALID)
    case.status("Preparing")
    case.plug()
    case.started(VALID, reservationId=number)
    case.status("Charging")
    case.never("StartTransaction", idTag=SECOND)

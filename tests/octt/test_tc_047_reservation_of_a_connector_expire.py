"""TC_047_CS Reservation of a Connector - Expire."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]

SOON = 1.5  # seconds


def test_when_it_is_over_anybody_charges(case: Case):
    case.reserve(VALID, seconds=SOON)
    case.status("Reserved")
    case.status("Available")
    case.charging_session(SECOND)
    case.never("StartTransaction", reservationId=1)

"""TC_056_CS Central Smart Charging - TxDefaultProfile."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@hardware("socket", "cable")
def test_it_limits_the_next_transaction(case: Case):
    case.sets_profile(case.connector, profile("TxDefaultProfile", schedule((0, 10), (86_000, 8)), kind="Absolute"))
    case.charging_session(VALID)
    case.until("the vehicle is offered the limit", lambda: case.signalled() == 10_000)

"""TC_082_CS Central Smart Charging - TxDefaultProfile - with ongoing transaction."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_it_limits_the_running_transaction_too(case: Case):
    case.charging_session(VALID)
    case.sets_profile(case.connector, profile("TxDefaultProfile", schedule((0, 10)), kind="Absolute"))
    case.until("the vehicle is offered the limit", lambda: case.signalled() == 10_000)
    assert case.charging()

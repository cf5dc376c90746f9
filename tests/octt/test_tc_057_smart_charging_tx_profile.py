"""TC_057_CS Central Smart Charging - TxProfile."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_it_limits_the_running_transaction(case: Case):
    transaction = case.charging_session(VALID)
    limit = profile("TxProfile", schedule((0, 9)), transaction=transaction.number)
    case.sets_profile(case.connector, limit)
    case.until("the vehicle is offered the limit", lambda: case.signalled() == 9_000)
    assert case.charging()

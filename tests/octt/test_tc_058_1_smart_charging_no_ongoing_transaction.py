"""TC_058_1_CS Central Smart Charging - No ongoing transaction."""

from __future__ import annotations

import pytest
from support.octt import Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_transactions_profile_without_one_is_rejected(case: Case):
    case.sets_profile(case.connector, profile("TxProfile", schedule((0, 9)), transaction=1), status="Rejected")

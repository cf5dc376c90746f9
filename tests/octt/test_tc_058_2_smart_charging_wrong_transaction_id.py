"""TC_058_2_CS Central Smart Charging - Wrong transactionId."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_profile_of_another_transaction_is_rejected(case: Case):
    transaction = case.charging_session(VALID)
    other = profile("TxProfile", schedule((0, 9)), transaction=transaction.number + 1)
    case.sets_profile(case.connector, other, status="Rejected")

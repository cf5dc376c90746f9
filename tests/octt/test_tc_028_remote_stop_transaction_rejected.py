"""TC_028_CS Remote Stop Transaction - Rejected."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_an_unknown_transaction_is_not_stopped(case: Case):
    transaction = case.charging_session(VALID)
    case.sends("Rejected", "RemoteStopTransaction", transactionId=transaction.number + 1)
    assert case.charging()
    case.never("StopTransaction")

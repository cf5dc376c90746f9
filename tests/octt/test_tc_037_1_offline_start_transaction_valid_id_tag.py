"""TC_037_1_CS Offline Start Transaction - Valid IdTag."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import VALID, Case, hardware, in_future

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


@hardware("socket", "cable")
def test_a_known_card_charges_and_is_told_afterwards(case: Case):
    case.lists(1, VALID)
    case.offline()
    case.plug()
    case.present(VALID)
    case.until("it charges", case.charging)
    before = datetime.fromisoformat(in_future(0))
    case.online()
    transaction = case.started(VALID)
    assert datetime.fromisoformat(transaction.start["timestamp"]) < before
    case.until("it is told as charging", lambda: case.last_status() == "Charging")
    case.never("StopTransaction")

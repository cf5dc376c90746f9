"""TC_038_CS Offline Stop Transaction."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import VALID, Case, hardware, in_future

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


@hardware("socket", "cable")
def test_the_end_is_told_afterwards(case: Case):
    transaction = case.charging_session(VALID)
    case.offline()
    case.present(VALID)
    case.until("last reading and end wait", lambda: case.waiting() >= 2)
    assert not case.charging()
    before = datetime.fromisoformat(in_future(0))
    case.online()
    stop = case.stopped(transaction, "Local")
    assert datetime.fromisoformat(stop["timestamp"]) <= before
    case.until("it is told so", lambda: case.last_status() == "Finishing")

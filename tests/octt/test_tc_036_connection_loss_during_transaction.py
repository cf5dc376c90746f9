"""TC_036_CS Connection Loss During Transaction."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]

KEPT = 3  # readings that have to wait
INTERVAL = 1  # seconds


def test_readings_wait_and_come_in_order(case: Case):
    case.configure(OCPPViaLocalNetwork=True, MeterValueSampleInterval=INTERVAL)
    transaction = case.charging_session(VALID)
    case.offline()
    lost = case.here()
    case.until("readings wait", lambda: case.waiting() >= KEPT)
    case.online()
    case.until("all are told", lambda: case.waiting() == 0)
    readings = case.tool.calls("MeterValues", lost.position, transactionId=transaction.number)
    times = [datetime.fromisoformat(each["meterValue"][0]["timestamp"]) for each in readings]
    assert len(times) >= KEPT
    assert times == sorted(set(times))
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert max(gaps) < 3 * INTERVAL
    assert case.charging()
    case.never("StopTransaction")

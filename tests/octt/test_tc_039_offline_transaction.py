"""TC_039_CS Offline Transaction."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


@hardware("socket", "cable")
def test_start_and_end_are_told_afterwards_in_order(case: Case):
    case.lists(1, VALID)
    case.offline()
    case.plug()
    case.present(VALID)
    case.until("it charges", case.charging)
    case.present(VALID)
    case.until("it no longer charges", lambda: not case.charging())
    case.unplug()
    case.online()
    transaction = case.started(VALID)
    stop = case.stopped(transaction, "Local")
    assert stop["timestamp"] > transaction.start["timestamp"]
    case.until("all is told", lambda: case.waiting() == 0)
    assert len(case.tool.calls("StartTransaction", case.since)) == 1
    assert len(case.tool.calls("StopTransaction", case.since)) == 1

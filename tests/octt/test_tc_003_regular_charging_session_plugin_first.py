"""TC_003_CS Regular Charging Session - Plugin First."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket", "cable")
def test_plugin_first(case: Case):
    case.plug()
    case.status("Preparing")
    case.present(VALID)
    case.expect("Authorize", idTag=VALID)
    transaction = case.started(VALID)
    case.status("Charging")
    case.present(VALID)
    stop = case.stopped(transaction, "Local")
    assert stop["meterStop"] >= transaction.start["meterStart"]
    case.status("Finishing")
    case.unplug()
    case.status("Available")

"""TC_001_CS Cold Boot Charge Point."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]

HEARTBEAT = 1  # seconds


def test_it_boots_tells_its_connectors_and_keeps_the_heartbeat(case: Case):
    case.answers("BootNotification", status="Rejected", interval=HEARTBEAT)
    case.power_failure()
    boot = case.expect("BootNotification")
    assert boot["chargePointVendor"]
    assert boot["chargePointModel"]
    case.expect("BootNotification")
    case.never("StatusNotification")
    case.answers("BootNotification", status="Accepted", interval=HEARTBEAT)
    for connector in (0, *CONNECTORS):
        status = case.status("Available", connector)
        assert status["errorCode"] == "NoError"
        assert datetime.fromisoformat(status["timestamp"]).tzinfo is not None
    case.expect("Heartbeat")
    case.expect("Heartbeat")
    accepted = case.tool.of("answered", case.since, method="BootNotification")[-1]
    assert accepted["result"]["status"] == "Accepted"
    assert case.value("HeartbeatInterval") == str(HEARTBEAT)

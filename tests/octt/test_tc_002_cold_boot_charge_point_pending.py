"""TC_002_CS Cold Boot Charge Point - Pending."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]

INTERVAL = 3  # seconds


def test_until_it_is_accepted_it_only_answers(case: Case):
    case.answers("BootNotification", status="Pending", interval=INTERVAL)
    case.power_failure()
    case.expect("BootNotification")
    assert case.value("NumberOfConnectors") == str(len(CONNECTORS))
    case.sends("Accepted", "ChangeConfiguration", key="MinimumStatusDuration", value="0")
    case.sends("Rejected", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.sends("Accepted", "TriggerMessage", requestedMessage="BootNotification")
    case.expect("BootNotification")
    pending = case.expect("BootNotification")
    case.never("StatusNotification")
    case.never("Heartbeat")
    case.answers("BootNotification", status="Accepted", interval=300)
    case.expect("BootNotification")
    for connector in (0, *CONNECTORS):
        assert case.status("Available", connector).position > pending.position

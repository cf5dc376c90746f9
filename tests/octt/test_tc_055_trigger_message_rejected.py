"""TC_055_CS Trigger Message - Rejected."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_there_is_no_such_connector(case: Case, message: str):
    connector = len(CONNECTORS) + 1
    case.sends("Rejected", "TriggerMessage", requestedMessage=message, connectorId=connector)
    case.never(message, connectorId=connector)

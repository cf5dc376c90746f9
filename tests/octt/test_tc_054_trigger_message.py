"""TC_054_CS Trigger Message."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@pytest.mark.parametrize("message", ["BootNotification", "Heartbeat"])
def test_messages_of_the_station(case: Case, message: str):
    case.sends("Accepted", "TriggerMessage", requestedMessage=message)
    case.expect(message)


@pytest.mark.parametrize("message", ["DiagnosticsStatusNotification", "FirmwareStatusNotification"])
def test_what_is_not_under_way_is_idle(case: Case, message: str):
    case.sends("Accepted", "TriggerMessage", requestedMessage=message)
    assert case.expect(message)["status"] == "Idle"


@pytest.mark.parametrize("message", ["MeterValues", "StatusNotification"])
def test_messages_of_a_connector(case: Case, message: str):
    case.sends("Accepted", "TriggerMessage", requestedMessage=message, connectorId=case.connector)
    told = case.expect(message)
    assert told["connectorId"] == case.connector
    if message == "MeterValues":
        contexts = {value["context"] for each in told["meterValue"] for value in each["sampledValue"]}
        assert contexts == {"Trigger"}
    else:
        assert told["status"] == "Available"

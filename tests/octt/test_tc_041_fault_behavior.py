"""TC_041_CS Fault Behavior."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

CODES = {"rcd": "GroundFailure", "emergency": "OtherError", "diode": "EVCommunicationError"}


@pytest.mark.parametrize(("fault", "code"), CODES.items())
def test_a_fault_is_told_and_when_it_is_over(case: Case, fault: str, code: str):
    case.plugged_in()
    case.fault(fault)
    failed = case.status("Faulted")
    assert failed["errorCode"] == code
    case.fault(fault, on=False)
    case.unplug()
    case.until("the connector is free", lambda: case.last_status() == "Available")

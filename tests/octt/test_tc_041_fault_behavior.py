"""TC_041_CS Fault Behavior."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

CODES = {"rcd": "GroundFailure", "emergency": "OtherError", "diode": "EVCommunicationError"}


@pytest.mark.parametrize(("fault", "code"), CODES.items())
def test_what_is_faulted_is_told_and_starts_nothing(case: Case, fault: str, code: str):
    case.plugged_in()
    case.fault(fault)
    failed = case.status("Faulted")
    assert failed["errorCode"] == code
    case.present(VALID)
    case.shown("IGNORED")
    case.sends("Rejected", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID)
    case.never("StartTransaction")
    case.fault(fault, on=False)
    case.until("the fault is over", lambda: case.last_status() != "Faulted")
    case.unplug()
    case.until("the connector is free", lambda: case.last_status() == "Available")
    case.never("StartTransaction")

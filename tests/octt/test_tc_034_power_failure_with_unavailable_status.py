"""TC_034_CS Power Failure With Unavailable Status."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


def test_what_was_out_of_service_stays_so(case: Case):
    case.sends("Accepted", "ChangeAvailability", connectorId=0, type="Inoperative")
    for connector in (0, *CONNECTORS):
        case.status("Unavailable", connector)
    failed = case.here()
    case.power_failure()
    case.expect("BootNotification")
    for connector in (0, *CONNECTORS):
        case.after(failed).expect("StatusNotification", connectorId=connector, status="Unavailable")
    case.never("StatusNotification", failed, status="Available")

"""TC_014_CS Soft Reset Without Transaction."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


def test_it_restarts_and_what_was_out_of_service_stays_so(case: Case):
    case.sends("Accepted", "ChangeAvailability", connectorId=case.connector, type="Inoperative")
    case.status("Unavailable")
    case.sends("Accepted", "Reset", type="Soft")
    boot = case.expect("BootNotification")
    for connector in (0, *CONNECTORS):
        status = "Unavailable" if connector == case.connector else "Available"
        case.after(boot).expect("StatusNotification", connectorId=connector, status=status)
    case.sends("Accepted", "ChangeAvailability", connectorId=case.connector, type="Operative")
    case.status("Available")
    case.never("StopTransaction")

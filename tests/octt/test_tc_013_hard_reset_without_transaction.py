"""TC_013_CS Hard Reset Without Transaction."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt restarts")]


def test_it_restarts(case: Case):
    case.sends("Accepted", "Reset", type="Hard")
    case.expect("BootNotification")
    for connector in (0, *CONNECTORS):
        case.expect("StatusNotification", connectorId=connector, status="Available")
    case.never("StopTransaction")

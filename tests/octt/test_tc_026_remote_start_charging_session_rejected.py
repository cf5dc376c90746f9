"""TC_026_CS Remote Start Charging Session - Rejected."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_an_occupied_connector_takes_no_second_session(case: Case):
    transaction = case.charging_session(VALID)
    case.sends("Rejected", "RemoteStartTransaction", connectorId=case.connector, idTag=SECOND)
    assert case.charging()
    case.never("StopTransaction")
    case.never("StartTransaction", transaction.start)

"""TC_027_CS Remote Start Transaction - Connector Id Shall Not Be 0."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_connector_zero_is_refused(case: Case):
    case.plugged_in()
    case.sends("Rejected", "RemoteStartTransaction", connectorId=0, idTag=VALID)
    case.never("StartTransaction")

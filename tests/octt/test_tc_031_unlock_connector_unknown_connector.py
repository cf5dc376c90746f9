"""TC_031_CS Unlock Connector - Unknown Connector."""

from __future__ import annotations

import pytest
from support.octt import CONNECTORS, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("connector", [0, len(CONNECTORS) + 1, 200])
def test_there_is_no_such_connector(case: Case, connector: int):
    case.sends("NotSupported", "UnlockConnector", connectorId=connector)

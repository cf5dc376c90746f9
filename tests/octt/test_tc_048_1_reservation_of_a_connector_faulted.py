"""TC_048_1_CS Reservation of a Connector - Faulted."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_faulted_connector_is_not_reserved(case: Case):
    case.fault("emergency")
    case.status("Faulted")
    case.reserve(VALID, status="Faulted")
    assert case.last_status() == "Faulted"

"""TC_060_CS Remote Start Transaction with Charging Profile - Rejected."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case
from support.octt_profiles import profile, schedule

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


@pytest.mark.parametrize("purpose", ["TxDefaultProfile", "ChargePointMaxProfile"])
def test_another_purpose_is_rejected(case: Case, purpose: str):
    case.plugged_in()
    brought = profile(purpose, schedule((0, 11)))
    case.sends("Rejected", "RemoteStartTransaction", connectorId=case.connector, idTag=VALID, chargingProfile=brought)
    case.never("StartTransaction")

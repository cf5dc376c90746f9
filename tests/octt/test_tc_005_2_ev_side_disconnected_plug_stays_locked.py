"""TC_005_2_CS EV Side Disconnected - StopTransactionOnEVSideDisconnect true - Unlock false."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def session_without_its_vehicle(case: Case) -> None:
    case.configure(StopTransactionOnEVSideDisconnect=True, UnlockConnectorOnEVSideDisconnect=False)
    transaction = case.charging_session(VALID)
    case.unplug()
    case.stopped(transaction, "EVDisconnected")
    case.status("Finishing")


@hardware("socket")
def test_the_plug_stays_until_the_central_system_frees_it(case: Case):
    session_without_its_vehicle(case)
    assert case.locked()
    case.sends("Unlocked", "UnlockConnector", connectorId=case.connector)
    case.status("Available")


@hardware("cable")
def test_a_fixed_cable_is_not_held(case: Case):
    session_without_its_vehicle(case)
    case.sends("NotSupported", "UnlockConnector", connectorId=case.connector)
    case.status("Available")


@hardware("socket")
def test_the_plug_stays_until_its_owner_comes(case: Case):
    session_without_its_vehicle(case)
    assert case.locked()
    case.present(VALID)
    case.until("the plug is free", lambda: not case.locked())
    case.status("Available")

"""TC_037_2_CS Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId false."""

from __future__ import annotations

import pytest
from support.octt import Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


@hardware("socket", "cable")
def test_energy_ends_and_the_transaction_waits_for_its_user(case: Case):
    case.configure(AllowOfflineTxForUnknownId=True, StopTransactionOnInvalidId=False, LocalAuthorizeOffline=True)
    case.answers_tag(case.stranger, "Invalid")
    case.offline()
    case.plug()
    case.present(case.stranger)
    case.until("it charges", case.charging)
    case.online()
    transaction = case.started(case.stranger)
    case.until("the energy ends", lambda: not case.charging())
    case.until("it is told so", lambda: case.last_status() == "SuspendedEVSE")
    case.never("StopTransaction")
    case.unplug()
    case.stopped(transaction, "EVDisconnected")

"""TC_037_3_CS Offline Start Transaction - Invalid IdTag - StopTransactionOnInvalidId true."""

from __future__ import annotations

import pytest
from support.octt import Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


@hardware("socket", "cable")
def test_the_transaction_ends_when_the_card_is_refused(case: Case):
    case.configure(AllowOfflineTxForUnknownId=True, StopTransactionOnInvalidId=True, LocalAuthorizeOffline=True)
    case.answers_tag(case.stranger, "Invalid")
    case.offline()
    case.plug()
    case.present(case.stranger)
    case.until("it charges", case.charging)
    case.online()
    transaction = case.started(case.stranger)
    case.stopped(transaction, "DeAuthorized")
    assert not case.charging()
    case.until("it is told so", lambda: case.last_status() == "Finishing")

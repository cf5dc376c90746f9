"""TC_068_CS Stop Transaction - IdTag in StopTransaction matches IdTag in StartTransaction."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_the_same_card_ends_it_without_a_question_and_another_does_nothing(case: Case):
    transaction = case.charging_session(VALID)
    case.present(SECOND)
    case.shown("IGNORED")
    case.never("StopTransaction")
    case.present(VALID)
    stop = case.stopped(transaction, "Local")
    assert stop["idTag"] == VALID
    case.status("Finishing")
    case.never("Authorize", transaction.start)

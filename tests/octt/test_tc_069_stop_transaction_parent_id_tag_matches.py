"""TC_069_CS Stop Transaction - ParentIdTag matches."""

from __future__ import annotations

import pytest
from support.octt import PARENT, SECOND, THIRD, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_a_card_of_the_same_parent_ends_it_and_another_does_not(case: Case):
    case.answers_tag(VALID, "Accepted", PARENT)
    case.answers_tag(SECOND, "Accepted", PARENT)
    case.answers_tag(THIRD, "Accepted", "OTHERS")
    transaction = case.charging_session(VALID)
    case.present(THIRD)
    case.expect("Authorize", idTag=THIRD)
    case.shown("IGNORED")
    case.never("StopTransaction")
    case.present(SECOND)
    case.expect("Authorize", idTag=SECOND)
    stop = case.stopped(transaction, "Local")
    assert stop["idTag"] == SECOND
    case.status("Finishing")

"""TC_053_1_CS Use a reserved Connector with parentIdTag - local."""

from __future__ import annotations

import pytest
from support.octt import PARENT, SECOND, THIRD, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_another_card_of_the_group_may_use_it(case: Case):
    case.answers_tag(SECOND, "Accepted", PARENT)
    case.answers_tag(THIRD, "Accepted", "OTHERS")
    number = case.reserve(VALID, parent=PARENT)
    case.status("Reserved")
    case.present(THIRD)
    case.expect("Authorize", idTag=THIRD)
    case.shown("REFUSED")
    case.authorized(SECOND)
    case.plug()
    case.started(SECOND, reservationId=number)
    case.status("Charging")

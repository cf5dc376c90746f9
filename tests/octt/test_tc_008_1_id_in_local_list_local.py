"""TC_008_1_CS Regular Start Charging Session - Id in Local Authorization List - local."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_listed_card_starts_without_a_question(case: Case):
    case.configure(LocalPreAuthorize=True)
    case.lists(1, VALID)
    case.plugged_in()
    case.present(VALID)
    case.started(VALID)
    case.status("Charging")
    case.never("Authorize")

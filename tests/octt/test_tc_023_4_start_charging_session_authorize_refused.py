"""TC_023_4_CS Start Charging Session - Authorize invalid, blocked, expired - local start."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("verdict", ["Invalid", "Blocked", "Expired"])
def test_a_refused_card_starts_nothing(case: Case, verdict: str):
    case.answers_tag(case.stranger, verdict)
    case.plugged_in()
    case.present(case.stranger)
    case.expect("Authorize", idTag=case.stranger)
    case.shown("REFUSED")
    case.unplug()
    case.status("Available")
    case.never("StartTransaction")

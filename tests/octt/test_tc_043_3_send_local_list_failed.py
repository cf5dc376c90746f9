"""TC_043_3_CS Send Local Authorization List - Failed."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_list_that_is_none_changes_nothing(case: Case):
    case.configure(LocalPreAuthorize=True)
    case.lists(1, VALID)
    case.lists(2, SECOND, SECOND, status="Failed")
    assert case.send("GetLocalListVersion") == {"listVersion": 1}
    case.plugged_in()
    case.present(VALID)
    case.started(VALID)
    case.never("Authorize")

"""TC_042_2_CS Get Local List Version (empty)."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_an_empty_list_has_version_zero(case: Case):
    case.sends("Accepted", "SendLocalList", listVersion=1, updateType="Full", localAuthorizationList=[])
    assert case.send("GetLocalListVersion") == {"listVersion": 0}

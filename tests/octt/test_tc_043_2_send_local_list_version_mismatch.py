"""TC_043_2_CS Send Local Authorization List - VersionMismatch."""

from __future__ import annotations

import pytest
from support.octt import SECOND, THIRD, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_an_older_change_is_refused(case: Case):
    case.lists(2, VALID)
    assert case.send("GetLocalListVersion") == {"listVersion": 2}
    case.lists(5, SECOND, update="Differential")
    assert case.send("GetLocalListVersion") == {"listVersion": 5}
    case.lists(4, THIRD, update="Differential", status="VersionMismatch")
    assert case.send("GetLocalListVersion") == {"listVersion": 5}

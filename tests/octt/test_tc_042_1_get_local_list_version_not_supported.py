"""TC_042_1_CS Get Local List Version (not supported)."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_without_the_list_there_is_no_version(case: Case):
    case.configure(LocalAuthListEnabled=False)
    assert case.send("GetLocalListVersion") == {"listVersion": -1}

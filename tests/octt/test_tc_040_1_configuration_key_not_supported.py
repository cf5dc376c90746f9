"""TC_040_1_CS Configuration Keys - NotSupported."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_there_is_no_such_key(case: Case):
    case.sends("NotSupported", "ChangeConfiguration", key="NoSuchKeyAtAll", value="1")
    answer = case.send("GetConfiguration", key=["NoSuchKeyAtAll"])
    assert answer["unknownKey"] == ["NoSuchKeyAtAll"]

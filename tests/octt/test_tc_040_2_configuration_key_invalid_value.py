"""TC_040_2_CS Configuration Keys - Invalid Value."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@pytest.mark.parametrize("value", ["-1", "soon", "", "1e3", "99999999999999999999"])
def test_the_value_before_stays(case: Case, value: str):
    before = case.value("MeterValueSampleInterval")
    case.sends("Rejected", "ChangeConfiguration", key="MeterValueSampleInterval", value=value)
    assert case.value("MeterValueSampleInterval") == before

"""TC_021_CS Change/Set Configuration."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

INTERVAL = 17  # seconds, unlike the preset


def test_a_changed_key_is_told_as_changed(case: Case):
    case.configure(MeterValueSampleInterval=INTERVAL)
    assert case.value("MeterValueSampleInterval") == str(INTERVAL)

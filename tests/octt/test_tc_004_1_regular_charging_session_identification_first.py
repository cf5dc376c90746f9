"""TC_004_1_CS Regular Charging Session - Identification First."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case, hardware

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


@hardware("socket", "cable")
def test_identification_first(case: Case):
    case.present(VALID)
    case.expect("Authorize", idTag=VALID)
    case.status("Preparing")
    case.never("StartTransaction")
    case.plug()
    case.started(VALID)
    case.status("Charging")

"""TC_043_1_CS Send Local Authorization List - NotSupported."""

from __future__ import annotations

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_without_the_list_nobody_is_known_by_it(case: Case):
    case.configure(LocalAuthListEnabled=False, LocalPreAuthorize=True)
    case.lists(1, VALID, status="NotSupported")
    case.plugged_in()
    case.present(VALID)
    case.expect("Authorize", idTag=VALID)
    case.started(VALID)

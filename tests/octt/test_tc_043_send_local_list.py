"""TC_043_CS Send Local Authorization List."""

from __future__ import annotations

import pytest
from support.octt import SECOND, VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt profiles")]


def test_a_whole_list_and_a_change_of_it(case: Case):
    case.configure(LocalPreAuthorize=True)
    case.lists(1, VALID)
    case.lists(2, SECOND, update="Differential")
    assert case.send("GetLocalListVersion") == {"listVersion": 2}
    for tag, connector in ((VALID, case.connector), (SECOND, case.other)):
        case.plug(connector)
        case.present(tag, connector)
        case.expect("StartTransaction", connectorId=connector, idTag=tag)
    case.never("Authorize")

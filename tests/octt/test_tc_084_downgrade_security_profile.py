"""TC_084_CS Upgrade Charge Point Security Profile - Rejected."""

from __future__ import annotations

import pytest
from support.octt_security import Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


@pytest.mark.parametrize("lower", ["0", "1"])
def test_it_is_never_lowered(tls: Secured, lower: str):
    connections = len(tls.connections())
    tls.sends("Rejected", "ChangeConfiguration", key="SecurityProfile", value=lower)
    assert tls.value("SecurityProfile") == "2"
    assert len(tls.connections()) == connections

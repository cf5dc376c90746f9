"""TC_085_CS Basic Authentication - Valid username/password combination."""

from __future__ import annotations

import pytest
from support.octt_security import PASSWORD, Secured
from support.strict import IDENTITY

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_identity_and_password_are_shown(basic: Secured):
    (shown,) = basic.connections()
    assert (shown["id"], shown["password"]) == (IDENTITY, PASSWORD)  # read only where the user is the identity
    (connected,) = basic.connections("connect")
    assert connected["protocol"] == "ocpp1.6"

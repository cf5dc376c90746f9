"""TC_073_CS Update Charge Point Password for HTTP Basic Authentication."""

from __future__ import annotations

import pytest
from support.octt_security import Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]

NEW = "second-password-2"


def test_the_new_password_is_used_at_once_and_kept(tls: Secured):
    before = tls.here()
    tls.sends("Accepted", "ChangeConfiguration", key="AuthorizationKey", value=NEW)
    tls.reconnected(before)
    assert tls.connections()[-1]["password"] == NEW
    assert NEW not in str(tls.send("GetConfiguration", key=["AuthorizationKey"]))


@pytest.mark.parametrize("password", ["too-short", "x" * 41])
def test_a_password_of_another_length_is_rejected(tls: Secured, password: str):
    tls.sends("Rejected", "ChangeConfiguration", key="AuthorizationKey", value=password)

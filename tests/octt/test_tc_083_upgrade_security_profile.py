"""TC_083_CS Upgrade Charge Point Security Profile - Accepted."""

from __future__ import annotations

import pytest
from support.octt_security import AUTHORITY, PASSWORD, ROOT, Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]

NO_TLS = "does not speak TLS as expected"


def test_it_secures_the_address_it_has_and_no_longer_takes_the_plain_one(basic: Secured):
    basic.sends("Accepted", "InstallCertificate", certificateType=ROOT, certificate=AUTHORITY.pem)
    upgraded = basic.here()
    basic.sends("Accepted", "ChangeConfiguration", key="SecurityProfile", value="2")
    basic.until("it does not come by the plain way", lambda: NO_TLS in basic.tool.rig.log("node"))
    assert not basic.tool.of("connect", upgraded.position + 1)
    basic.restart_backend_with_tls()
    basic.reconnected(upgraded)
    assert len(basic.tool.of("tls", upgraded.position + 1)) == len(basic.tool.of("connect", upgraded.position + 1))
    for connector in (0, 1):
        basic.after(upgraded).expect("StatusNotification", connectorId=connector, status="Available")


def test_once_it_is_higher_the_way_before_is_not_taken_again(basic: Secured):
    basic.sends("Rejected", "ChangeConfiguration", key="SecurityProfile", value="2")  # there is no root to trust
    basic.sends("Accepted", "InstallCertificate", certificateType=ROOT, certificate=AUTHORITY.pem)
    before = basic.here()
    where = f"wss://localhost:{basic.port}/ocpp"
    basic.sends("Accepted", "ChangeConfiguration", key="CentralSystemURI", value=where)
    basic.reconnected(before)
    before = basic.here()
    basic.sends("Accepted", "ChangeConfiguration", key="SecurityProfile", value="2")
    basic.reconnected(before)
    assert basic.connections()[-1]["password"] == PASSWORD
    assert basic.value("SecurityProfile") == "2"
    upgraded = basic.here()
    basic.offline()
    basic.online()
    assert basic.tool.of("tls", upgraded.position + 1)
    assert len(basic.tool.of("tls", upgraded.position + 1)) >= len(basic.tool.of("connect", upgraded.position + 1))
    plain = f"ws://127.0.0.1:{basic.tool.rig.config.ocpp}/ocpp"
    basic.sends("Rejected", "ChangeConfiguration", key="CentralSystemURI", value=plain)

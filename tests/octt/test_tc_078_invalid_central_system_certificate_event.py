"""TC_078_CS Invalid CentralSystemCertificate Security Event."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import AUTHORITY, Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


@pytest.mark.parametrize("fault", ["stranger", "expired", "another host"])
def test_it_does_not_talk_to_a_backend_it_cannot_trust_and_tells_it_later(tls: Secured, fault: str):
    good = issue("csms", AUTHORITY, hosts=("localhost",))
    bad = {
        "stranger": issue("csms", issue("stranger", authority=True), hosts=("localhost",)),
        "expired": issue("csms", AUTHORITY, hosts=("localhost",), days=-1),
        "another host": issue("csms", AUTHORITY, hosts=("elsewhere.example",)),
    }[fault]
    before = tls.here()
    tls.shows(bad, "bad")
    tls.tool.arrange(offline=True)
    tls.tool.arrange(offline=False)
    tls.until("the station turns away", lambda: tls.tool.of("tls_refused", before.position + 1))
    assert not tls.tool.of("connect", before.position + 1)
    tls.shows(good, "good")
    tls.reconnected(before)
    tls.event("InvalidCentralSystemCertificate")

"""TC_086_CS TLS - server-side certificate - Valid certificate."""

from __future__ import annotations

import pytest
from support.octt_security import Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]

SECURE = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
}  # security white paper §3, and what TLS 1.3 has


def test_the_link_is_secured(tls: Secured):
    link = tls.connections("tls")[-1]
    assert link["version"] in {"TLSv1.2", "TLSv1.3"}
    assert link["cipher"] in SECURE
    tls.sends("Accepted", "TriggerMessage", requestedMessage="Heartbeat")
    tls.expect("Heartbeat")

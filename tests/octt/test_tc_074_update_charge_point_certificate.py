"""TC_074_CS Update Charge Point Certificate by request of Central System."""

from __future__ import annotations

import pytest
from cryptography import x509
from support.octt_security import Secured, signed

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_the_station_asks_for_a_certificate_and_uses_it(mutual: Secured):
    before = mutual.here()
    asked = mutual.send("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert asked == {"status": "Accepted"}
    chain = signed(mutual.expect("SignCertificate")["csr"])
    mutual.sends("Accepted", "CertificateSigned", certificateChain=chain)
    mutual.reconnected(before)
    shown = mutual.connections("tls")[-1]
    assert shown["authorized"]
    assert int(shown["serial"], 16) == x509.load_pem_x509_certificate(chain.encode()).serial_number

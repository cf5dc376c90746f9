"""TC_077_CS Invalid ChargePointCertificate Security Event."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import AUTHORITY, ROOT, Secured, signed

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_a_certificate_of_a_stranger_is_rejected_and_told(mutual: Secured):
    mutual.sends("Accepted", "InstallCertificate", certificateType=ROOT, certificate=AUTHORITY.pem)
    mutual.sends("Accepted", "ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    csr = mutual.expect("SignCertificate")["csr"]
    before = len(mutual.connections())
    foreign = signed(csr, issue("stranger", authority=True))
    mutual.sends("Rejected", "CertificateSigned", certificateChain=foreign)
    mutual.event("InvalidChargePointCertificate")
    assert len(mutual.connections()) == before

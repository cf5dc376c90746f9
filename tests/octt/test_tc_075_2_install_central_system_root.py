"""TC_075_2_CS Install a certificate on the Charge Point - CentralSystemRootCertificate."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import ROOT, Secured, hash_of

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_it_is_listed(tls: Secured):
    root = issue("another authority", authority=True)
    tls.sends("Accepted", "InstallCertificate", certificateType=ROOT, certificate=root.pem)
    assert hash_of(root) in tls.hashes(ROOT)

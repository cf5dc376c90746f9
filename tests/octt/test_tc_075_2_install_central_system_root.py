"""TC_075_2_CS Install a certificate on the Charge Point - CentralSystemRootCertificate."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import ROOT, Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_it_is_listed(tls: Secured):
    before = len(tls.hashes(ROOT))
    root = issue("another authority", authority=True).pem
    tls.sends("Accepted", "InstallCertificate", certificateType=ROOT, certificate=root)
    assert len(tls.hashes(ROOT)) == before + 1

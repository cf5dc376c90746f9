"""TC_075_1_CS Install a certificate on the Charge Point - ManufacturerRootCertificate."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import MAKER, Secured, hash_of

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_it_is_listed(tls: Secured):
    root = issue("another maker", authority=True)
    tls.sends("Accepted", "InstallCertificate", certificateType=MAKER, certificate=root.pem)
    assert hash_of(root) in tls.hashes(MAKER)

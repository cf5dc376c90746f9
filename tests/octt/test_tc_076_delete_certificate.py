"""TC_076_CS Delete a specific certificate from the Charge Point."""

from __future__ import annotations

import pytest
from support.certificates import issue
from support.octt_security import MAKER, Secured, hash_of

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_it_is_no_longer_listed(tls: Secured):
    root = issue("maker of yesterday", authority=True)
    before = tls.hashes(MAKER)
    tls.sends("Accepted", "InstallCertificate", certificateType=MAKER, certificate=root.pem)
    assert hash_of(root) in tls.hashes(MAKER)
    tls.sends("Accepted", "DeleteCertificate", certificateHashData=hash_of(root))
    assert tls.hashes(MAKER) == before
    tls.sends("NotFound", "DeleteCertificate", certificateHashData=hash_of(root))

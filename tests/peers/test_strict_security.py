"""From no security to certificates on both sides, and back when it does not work: with a backend of other people."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import Issued, certify, issue
from support.ports import free_ports
from support.rig import Rig, eventually, rig
from support.strict import StrictBackend

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("strict node")]

CA = issue("csms authority", authority=True)
PASSWORD = "first-password-01"
FALLBACK = 4


class Link:
    """A node at profile 1 whose backend listens with and without TLS."""

    def __init__(self, node: Rig, folder: Path) -> None:
        self.rig = node
        (self.port,) = free_ports(1)
        (folder / "backend.password").write_text(PASSWORD)
        chain, key = issue("csms", CA, hosts=("localhost",)).files(folder, "csms")
        root, _ = CA.files(folder, "root")
        path = node.config.path
        keys = f'security_profile = 1\npassword_file = "backend.password"\nfallback_seconds = {FALLBACK}\n'
        path.write_text(path.read_text().replace('identity = "RIG"\n', f'identity = "RIG"\n{keys}'))
        self.csms = StrictBackend(node, str(self.port), str(chain), str(key), str(root))
        node.start_node()
        eventually("the node is online", node.online)

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        return self.csms.ask(method, dict(params))["result"]

    def change(self, key: str, value: str) -> str:
        return str(self.ask("ChangeConfiguration", key=key, value=value)["status"])

    def changed(self, key: str, value: str) -> None:
        """The change is taken, and the station is back after it."""
        boots = len(self.csms.calls("BootNotification"))
        assert self.change(key, value) == "Accepted"
        eventually(f"it is back with another {key}", lambda: len(self.csms.calls("BootNotification")) > boots)

    def shown(self, key: str) -> str:
        (listed,) = self.ask("GetConfiguration", key=[key])["configurationKey"]
        return str(listed["value"])


@pytest.fixture
def link(tmp_path: Path) -> Generator[Link]:
    with rig(tmp_path, points=1, backend_process=False) as made:
        link = Link(made, tmp_path)
        yield link
        assert made.end("node") == 0
        assert link.csms.complaints() == []
        assert PASSWORD not in made.log("node")


def signed(csr: str) -> str:
    request = x509.load_pem_x509_csr(csr.encode())
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return Issued(certify("RIG", key, CA), CA.key).pem


@pytest.mark.rule("B-033")
def test_from_a_password_to_certificates_on_both_sides_and_never_back(link: Link):
    assert link.change("SecurityProfile", "2") == "Rejected"  # there is no root to trust yet
    root = {"certificateType": "CentralSystemRootCertificate", "certificate": CA.pem}
    assert link.ask("InstallCertificate", **root) == {"status": "Accepted"}
    ids = link.ask("GetInstalledCertificateIds", certificateType="CentralSystemRootCertificate")
    assert len(ids["certificateHashData"]) == 1

    where = link.shown("CentralSystemURI")
    link.changed("CentralSystemURI", f"wss://localhost:{link.port}/ocpp")
    assert link.csms.of("tls")
    link.changed("SecurityProfile", "2")
    assert link.change("SecurityProfile", "1") == "Rejected"
    assert link.change("SecurityProfile", "3") == "Rejected"  # the station has no certificate yet

    asked = link.ask("ExtendedTriggerMessage", requestedMessage="SignChargePointCertificate")
    assert asked == {"status": "Accepted"}
    eventually("the request comes", lambda: link.csms.calls("SignCertificate"))
    csr = link.csms.calls("SignCertificate")[0]["csr"]
    boots = len(link.csms.calls("BootNotification"))
    bad = Issued(issue("RIG").certificate, CA.key).pem
    assert link.ask("CertificateSigned", certificateChain=bad) == {"status": "Rejected"}
    assert link.ask("CertificateSigned", certificateChain=signed(csr)) == {"status": "Accepted"}
    eventually("it is back", lambda: len(link.csms.calls("BootNotification")) > boots)
    link.changed("SecurityProfile", "3")
    seen = link.csms.of("tls")[-1]
    assert (seen["authorized"], seen["subject"]) == (True, "RIG")
    assert link.csms.of("auth")[-1]["password"] == ""
    assert link.shown("SecurityProfile") == "3"

    # Where nobody is, nobody stays.
    assert link.change("CentralSystemURI", where) == "Rejected"  # ws:// is no way any more
    boots = len(link.csms.calls("BootNotification"))
    assert link.change("CentralSystemURI", "wss://localhost:1/ocpp") == "Accepted"
    eventually("it came back", lambda: len(link.csms.calls("BootNotification")) > boots)
    assert link.shown("CentralSystemURI") == f"wss://localhost:{link.port}/ocpp"
    assert "backend-settings-fallback" in link.rig.log("node")
    types = [each["type"] for each in link.csms.calls("SecurityEventNotification")]
    assert "InvalidChargePointCertificate" in types
    assert types.count("ReconfigurationOfSecurityParameters") >= 5

"""Stations of the security cases: at a security profile from their first start, before a backend with TLS."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from support.certificates import Issued, certify, issue
from support.file_server import FileServer, file_server
from support.octt import Case
from support.octt_tool import Message, Tool
from support.ports import free_ports
from support.rig import Rig, eventually, rig
from support.strict import IDENTITY

AUTHORITY = issue("central system authority", authority=True)
PASSWORD = "first-password-01"
INSTALLER = "import shutil, sys; shutil.copy(sys.argv[-1], sys.argv[1])"
ROOT, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
PLAIN, BASIC, TLS, MUTUAL = range(4)  # security profiles of the white paper


class Secured(Case):
    """A case, and what belongs to its station's security. `port`: where the backend listens with TLS."""

    def __init__(self, tool: Tool, files: FileServer, folder: Path, port: int) -> None:
        super().__init__(tool, 1, 1)
        self.files, self.folder, self.port = files, folder, port

    def afresh(self) -> Secured:
        """The next case at the same station."""
        return Secured(self.tool, self.files, self.folder, self.port)

    def restart_backend_with_tls(self) -> None:
        """The backend ends and begins anew; at the address the station knows it speaks nothing but TLS."""
        rig = self.tool.rig
        heard = len(self.tool.of("listening"))
        rig.kill("backend")
        (other,) = free_ports(1)
        _start_backend(rig, self.folder, other, rig.config.ocpp)
        self.until("the backend listens", lambda: len(self.tool.of("listening")) > heard)

    def shows(self, certificate: Issued, name: str) -> None:
        """From now on the backend shows this certificate."""
        chain, key = certificate.files(self.folder, name)
        self.tool.arrange(certificate=str(chain), key=str(key))

    def connections(self, event: str = "auth") -> list[dict[str, Any]]:
        """Every attempt to connect: `auth` with its password, `tls` with what it was secured by."""
        return self.tool.of(event)

    def reconnected(self, since: Message) -> None:
        """The station has a new connection since then, and is back on it."""
        self.until("a new connection", lambda: self.tool.of("connect", since.position + 1))
        self.until("the station is online", self.tool.online)

    def hashes(self, kind: str) -> list[dict[str, Any]]:
        """The hashes of the installed roots of a kind; hexadecimal digits may have any case."""
        answer = self.send("GetInstalledCertificateIds", certificateType=kind)
        found = answer.get("certificateHashData") or []
        return [{**each, "serialNumber": each["serialNumber"].lower()} for each in found]

    def event(self, kind: str) -> None:
        """The station tells this security event."""
        self.expect("SecurityEventNotification", type=kind)


def signed(csr: str, by: Issued = AUTHORITY) -> str:
    """The certificate a central system makes of a request."""
    key = x509.load_pem_x509_csr(csr.encode()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return Issued(certify(IDENTITY, key, by), by.key).pem


def hash_of(root: Issued) -> dict[str, str]:
    """How the white paper names a certificate, calculated by a library as for OCSP (RFC 6960 §4.1.1)."""
    request = ocsp.OCSPRequestBuilder().add_certificate(root.certificate, root.certificate, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{request.serial_number:x}",
    }


@contextmanager
def secured(folder: Path, profile: int) -> Generator[Secured]:
    """Bench, backend and node run, the node at this profile; nothing was against a schema, and no password in a log."""
    (port,) = free_ports(1)
    with file_server(folder) as files, rig(folder, points=1, backend_process=False) as made:
        _configure(made, folder, profile, port)
        issue("csms", AUTHORITY, hosts=("localhost", "127.0.0.1")).files(folder, "csms")
        _start_backend(made, folder, made.config.ocpp, port)
        tool = Tool(made)
        eventually("the backend listens", lambda: tool.of("listening"))
        made.start_node()
        eventually("the station is online", made.online)
        yield Secured(tool, files, folder, port)
        assert made.end("node") == 0, made.log("node")
        assert tool.complaints() == []
        assert PASSWORD not in made.log("node")


def _start_backend(made: Rig, folder: Path, plain: int, port: int) -> None:
    files = (str(folder / name) for name in ("csms.pem", "csms.key", "root.pem"))
    made.start_strict_backend(str(port), *files, plain=plain)


def _configure(made: Rig, folder: Path, profile: int, port: int) -> None:
    AUTHORITY.files(folder, "root")
    issue(IDENTITY, AUTHORITY).files(folder, "station")
    (folder / "station.key").chmod(0o600)
    (folder / "backend.password").write_text(PASSWORD)
    (folder / "installer.py").write_text(INSTALLER)
    keys = [f"security_profile = {profile}"]
    if profile in {BASIC, TLS}:
        keys.append('password_file = "backend.password"')
    if profile == MUTUAL:
        keys += ['certificate_file = "station.pem"', 'key_file = "station.key"']
    if profile >= TLS:
        keys += ['ca_file = "root.pem"', "reconnect_seconds = 1"]
    text = made.config.path.read_text()
    if profile >= TLS:
        text = text.replace(f"ws://127.0.0.1:{made.config.ocpp}/ocpp", f"wss://localhost:{port}/ocpp")
    text = text.replace(f'identity = "{IDENTITY}"\n', f'identity = "{IDENTITY}"\n' + "\n".join(keys) + "\n")
    command = [sys.executable, str(folder / "installer.py"), str(folder / "installed.bin")]
    made.config.path.write_text(f'{text}\n[maintenance]\nhosts = ["localhost"]\ninstaller = {command}\n')

"""TC_080_CS Secure Firmware Update."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import issue
from support.octt import in_future
from support.octt_security import MAKER, Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]

AUTHORITY_OF_MAKER = issue("maker", authority=True)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = issue("signer", AUTHORITY_OF_MAKER, key=KEY)
UPDATE = b"firmware of tomorrow" * 1000


def firmware(tls: Secured, signed: bytes) -> dict[str, str]:
    """An order to install `UPDATE`, with the signature of what was signed."""
    (tls.folder / "firmware.bin").write_bytes(UPDATE)
    return {
        "location": f"http://localhost:{tls.files.port}/firmware.bin",
        "retrieveDateTime": in_future(-1),
        "signingCertificate": SIGNER.pem,
        "signature": base64.b64encode(KEY.sign(signed, ec.ECDSA(hashes.SHA256()))).decode(),
    }


REQUEST = 80


def test_what_is_signed_is_installed(tls: Secured):
    tls.sends("Accepted", "InstallCertificate", certificateType=MAKER, certificate=AUTHORITY_OF_MAKER.pem)
    order = firmware(tls, UPDATE)
    tls.sends("Accepted", "SignedUpdateFirmware", requestId=REQUEST, firmware=order)
    for status in ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"):
        told = tls.expect("SignedFirmwareStatusNotification")
        assert (told["status"], told["requestId"]) == (status, REQUEST)
    assert (tls.folder / "installed.bin").read_bytes() == UPDATE
    tls.until(
        "it is told as an event", lambda: tls.tool.calls("SecurityEventNotification", tls.since, type="FirmwareUpdated")
    )
    tls.until("the station is online", tls.tool.online)

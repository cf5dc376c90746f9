"""Certificates that backends install, sign and delete; and who may sign firmware."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509 import ocsp
from support.certificates import Issued, certify, issue

from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.checking import check_signature, check_signer, hash_data
from nodes.ocpp.trust import Trust
from park.ocpp.maintenance import MOST_ROOTS

CENTRAL, MAKER = "CentralSystemRootCertificate", "ManufacturerRootCertificate"
ROOT, OTHER = issue("csms", authority=True), issue("another csms", authority=True)
MAKERS = issue("maker", authority=True)
LEAF = issue("leaf", ROOT)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return CertificateStore(tmp_path / "backend", lambda: datetime.now(UTC))


def install(store: CertificateStore, root: Issued, kind: str = CENTRAL) -> object:
    return store.answer("InstallCertificate", {"certificateType": kind, "certificate": root.pem}).payload["status"]


def listed(store: CertificateStore, kind: str = CENTRAL) -> object:
    return store.answer("GetInstalledCertificateIds", {"certificateType": kind}).payload


def delete(store: CertificateStore, root: Issued, algorithm: str = "SHA256") -> object:
    wanted = {"certificateHashData": hash_data(root.certificate, algorithm)}
    return store.answer("DeleteCertificate", wanted).payload["status"]


def test_roots_are_installed_listed_and_deleted(store: CertificateStore):
    assert listed(store) == {"status": "NotFound"}
    assert install(store, ROOT) == "Accepted"
    assert install(store, ROOT) == "Accepted"
    assert install(store, MAKERS, MAKER) == "Accepted"
    assert listed(store) == {"status": "Accepted", "certificateHashData": [hash_data(ROOT.certificate, "SHA256")]}
    assert install(store, OTHER) == "Accepted"
    assert store.root_count == 2
    assert delete(store, ROOT, "SHA512") == "Accepted"
    assert delete(store, ROOT) == "NotFound"
    assert store.root_count == 1
    Trust(installed=store.folder).context(with_certificate=False)


def test_the_last_root_stays(store: CertificateStore):
    install(store, ROOT)
    assert delete(store, ROOT) == "Failed"
    install(store, MAKERS, MAKER)
    assert delete(store, MAKERS) == "Accepted"


def test_the_hashes_are_those_of_ocsp():
    """RFC 6960 §4.1.1, as the library computes them for a certificate this root issued."""
    request = ocsp.OCSPRequestBuilder().add_certificate(LEAF.certificate, ROOT.certificate, hashes.SHA256()).build()
    mine = hash_data(ROOT.certificate, "SHA256")
    assert (mine["issuerNameHash"], mine["issuerKeyHash"]) == (
        request.issuer_name_hash.hex(),
        request.issuer_key_hash.hex(),
    )
    big = issue("rsa", authority=True, key=rsa.generate_private_key(65537, 2048))
    asked = ocsp.OCSPRequestBuilder().add_certificate(issue("x", big).certificate, big.certificate, hashes.SHA384())
    assert hash_data(big.certificate, "SHA384")["issuerKeyHash"] == asked.build().issuer_key_hash.hex()


@pytest.mark.parametrize(
    "root",
    [
        pytest.param(LEAF, id="no authority"),
        pytest.param(issue("old", authority=True, days=-1), id="expired"),
        pytest.param(issue("weak", authority=True, key=WEAK), id="short key"),
    ],
)
def test_what_is_no_root_is_rejected(store: CertificateStore, root: Issued):
    assert install(store, root) == "Rejected"


@pytest.mark.parametrize("pem", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "\0"])
def test_garbage_is_rejected(store: CertificateStore, pem: str):
    for action, payload in (
        ("InstallCertificate", {"certificateType": CENTRAL, "certificate": pem}),
        ("CertificateSigned", {"certificateChain": pem}),
    ):
        assert store.answer(action, payload).payload["status"] == "Rejected"


def test_the_store_has_an_end(store: CertificateStore):
    key = ec.generate_private_key(ec.SECP256R1())
    for number in range(MOST_ROOTS):
        assert install(store, issue(f"root {number}", authority=True, key=key)) == "Accepted"
    assert install(store, ROOT) == "Rejected"


def test_a_damaged_file_takes_nothing_with_it(store: CertificateStore):
    install(store, ROOT)
    (store.folder / "roots/damaged.pem").write_text("half a")
    assert store.root_count == 1


# ------------------------------------------------------------ the station's own


def signed(store: CertificateStore, issuer: Issued = ROOT, name: str = "GARAGE") -> str:
    """What a backend makes of a signing request."""
    request = x509.load_pem_x509_csr(store.signing_request(name).encode())
    assert request.is_signature_valid
    key = request.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return Issued(certify(name, key, issuer), issuer.key).pem


def test_a_signed_request_becomes_the_stations_certificate(store: CertificateStore):
    install(store, ROOT)
    assert not store.has_station_certificate
    answer = store.answer("CertificateSigned", {"certificateChain": signed(store) + ROOT.pem})
    assert answer.payload == {"status": "Accepted"}
    assert store.has_station_certificate
    file = store.folder / answer.certificate
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    Trust(installed=store.folder).context(with_certificate=True, certificate=answer.certificate)
    again = store.answer("CertificateSigned", {"certificateChain": signed(store)})
    assert again.certificate != answer.certificate
    assert file.exists()  # the way back, should the backend not take the new one


def test_a_certificate_of_another_key_or_authority_is_refused(store: CertificateStore):
    install(store, ROOT)
    assert store.answer("CertificateSigned", {"certificateChain": LEAF.pem}).refused == "no signing request was made"
    signed(store)
    assert "not for the key" in store.answer("CertificateSigned", {"certificateChain": LEAF.pem}).refused
    foreign = store.answer("CertificateSigned", {"certificateChain": signed(store, OTHER)})
    assert foreign.payload == {"status": "Rejected"}
    assert "installed root" in foreign.refused
    assert not store.has_station_certificate


@pytest.mark.parametrize(("days", "soon"), [(29, True), (31, False)])
def test_a_certificate_is_renewed_in_its_last_month(store: CertificateStore, days: int, soon: bool):
    assert not store.expires_soon()
    old, new = issue("GARAGE", ROOT, days=1), issue("GARAGE", ROOT, days=days)
    store.folder.mkdir()
    (store.folder / "station-1.pem").write_text(old.key_pem + old.pem)
    assert store.expires_soon()
    (store.folder / "station-2.pem").write_text(new.key_pem + new.pem)
    assert store.expires_soon() is soon


# ------------------------------------------------------------ signers of firmware

NOW = datetime.now(UTC)
BODY_DIGEST = bytes.fromhex("ab" * 32)


def test_signers_come_from_the_maker():
    signer = issue("signer", MAKERS)
    assert check_signer(signer.pem, [MAKERS.certificate], NOW) == ""
    middle = issue("middle", MAKERS, authority=True)
    assert check_signer(issue("signer", middle).pem + middle.pem, [MAKERS.certificate], NOW) == ""
    assert "ManufacturerRootCertificate" in check_signer(signer.pem, [], NOW)
    assert "not come from" in check_signer(signer.pem, [ROOT.certificate], NOW)
    assert "not valid now" in check_signer(issue("old", MAKERS, days=-1).pem, [MAKERS.certificate], NOW)
    assert "no authority" in check_signer(issue("x", signer).pem + signer.pem, [MAKERS.certificate], NOW)
    for garbage in ("", "x", LEAF.pem[:100]):
        assert check_signer(garbage, [MAKERS.certificate], NOW) != ""


@pytest.mark.parametrize("kind", ["ecdsa", "rsa-pss", "rsa-pkcs1"])
def test_signatures_fit_or_do_not(kind: str):
    digest = Prehashed(hashes.SHA256())
    if kind == "ecdsa":
        key = ec.generate_private_key(ec.SECP256R1())
        signer, signature = issue("s", key=key), key.sign(BODY_DIGEST, ec.ECDSA(digest))
    else:
        rsa_key = rsa.generate_private_key(65537, 2048)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        signer = issue("s", key=rsa_key)
        signature = rsa_key.sign(BODY_DIGEST, pss if kind == "rsa-pss" else padding.PKCS1v15(), digest)
    assert check_signature(signer.pem, signature, BODY_DIGEST) == ""
    assert "does not fit" in check_signature(signer.pem, signature, bytes(32))
    assert "does not fit" in check_signature(signer.pem, b"garbage", BODY_DIGEST)

"""Certificates of Plug & Charge: installed, listed, signed, deleted, and apart from those of the backend link."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from support.certificates import Issued, certify, issue

from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.checking import hash_data
from nodes.maintenance.v2g_certificates import CHAIN_FILE, V2GCertificates
from park.ocpp.maintenance import MOST_ROOTS

V2G, MO, CHAIN = "V2GRootCertificate", "MORootCertificate", "V2GCertificateChain"
ROOT, OTHER = issue("v2g root", authority=True), issue("another root", authority=True)
SUB = issue("cpo sub", ROOT, authority=True)


@pytest.fixture
def store(tmp_path: Path) -> V2GCertificates:
    return CertificateStore(tmp_path / "backend", lambda: datetime.now(UTC)).v2g


def install(store: V2GCertificates, root: Issued | str, use: str = V2G) -> object:
    pem = root if isinstance(root, str) else root.pem
    return store.answer("InstallCertificate", {"certificateType": use, "certificate": pem}).payload["status"]


def listed(store: V2GCertificates, *uses: str) -> list[tuple[object, object]]:
    found = store.answer("GetInstalledCertificateIds", {"certificateType": list(uses)} if uses else {}).payload
    entries = found.get("certificateHashDataChain", [])
    assert isinstance(entries, list)
    assert found["status"] == ("Accepted" if entries else "NotFound")
    return [(entry["certificateType"], entry["certificateHashData"]) for entry in entries]


def delete(store: V2GCertificates, named: dict[str, str]) -> object:
    return store.answer("DeleteCertificate", {"certificateHashData": named}).payload["status"]


def leaf(store: V2GCertificates, issuer: Issued = SUB) -> x509.Certificate:
    request = x509.load_pem_x509_csr(store.signing_request("GARAGE", "ACME").encode())
    key = request.public_key()
    return certify("GARAGE", key, issuer)  # pyright: ignore[reportArgumentType] - ours is an EC key


def signed(store: V2GCertificates, *chain: x509.Certificate) -> tuple[object, str]:
    pem = "".join(Issued(each, ROOT.key).pem for each in chain)
    answer = store.answer("CertificateSigned", {"certificateChain": pem})
    return answer.payload["status"], answer.refused


def test_roots_of_both_uses_are_installed_listed_and_deleted(store: V2GCertificates):
    assert listed(store) == []
    assert [install(store, ROOT), install(store, ROOT), install(store, OTHER, MO)] == ["Accepted"] * 3
    first, second = (V2G, hash_data(ROOT.certificate, "SHA256")), (MO, hash_data(OTHER.certificate, "SHA256"))
    assert listed(store) == [first, second]
    assert listed(store, MO) == [second]
    assert delete(store, hash_data(ROOT.certificate, "SHA512")) == "Accepted"
    assert delete(store, hash_data(ROOT.certificate, "SHA256")) == "NotFound"
    assert listed(store) == [second]


@pytest.mark.parametrize("pem", ["", "no PEM", issue("leaf").pem, issue("old", authority=True, days=-1).pem])
def test_what_is_no_root_is_rejected(store: V2GCertificates, pem: str):
    assert install(store, pem) == "Rejected"


def test_so_many_of_a_use_and_no_more(store: V2GCertificates):
    for number in range(MOST_ROOTS):
        assert install(store, issue(f"root {number}", authority=True)) == "Accepted"
    assert install(store, ROOT) == "Rejected"
    assert install(store, ROOT, MO) == "Accepted"


def test_a_root_for_vehicles_is_none_for_the_backend(tmp_path: Path):
    store = CertificateStore(tmp_path / "backend", lambda: datetime.now(UTC))
    install(store.v2g, ROOT)
    assert store.root_count == 0
    assert store.makers() == []


def test_a_signed_chain_is_taken_kept_secret_and_named_by_its_issuers(store: V2GCertificates):
    install(store, ROOT)
    mine = leaf(store)
    assert signed(store, mine, SUB.certificate) == ("Accepted", "")
    assert stat.S_IMODE((store.folder / CHAIN_FILE).stat().st_mode) == 0o600
    entry = store.answer("GetInstalledCertificateIds", {"certificateType": [CHAIN]}).payload["certificateHashDataChain"]
    names = [
        {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": request.issuer_name_hash.hex(),
            "issuerKeyHash": request.issuer_key_hash.hex(),
            "serialNumber": f"{request.serial_number:X}",
        }
        for request in (
            ocsp.OCSPRequestBuilder().add_certificate(lower, upper, hashes.SHA256()).build()
            for lower, upper in ((mine, SUB.certificate), (SUB.certificate, ROOT.certificate))
        )
    ]
    assert entry == [{"certificateType": CHAIN, "certificateHashData": names[0], "childCertificateHashData": names[1:]}]
    assert not (store.folder / "pending.key").exists()
    assert delete(store, names[0]) == "Accepted"
    assert listed(store, CHAIN) == []


def test_a_chain_whose_root_was_deleted_is_still_listed_as_far_as_it_can_be_named(store: V2GCertificates):
    install(store, ROOT)
    assert signed(store, leaf(store), SUB.certificate)[0] == "Accepted"
    assert delete(store, hash_data(ROOT.certificate, "SHA256")) == "Accepted"
    assert [use for use, _ in listed(store)] == [CHAIN]


def test_what_was_not_asked_for_or_comes_from_nobody_known_is_refused_and_says_why(store: V2GCertificates):
    assert signed(store, issue("GARAGE", ROOT).certificate) == ("Rejected", "no V2G signing request was made")
    mine = leaf(store)
    assert "installed V2GRootCertificate" in signed(store, mine, SUB.certificate)[1]
    install(store, ROOT, MO)
    assert "installed V2GRootCertificate" in signed(store, mine, SUB.certificate)[1]
    install(store, ROOT)
    assert "not for the key" in signed(store, issue("GARAGE", SUB).certificate, SUB.certificate)[1]
    assert "1 to 3" in signed(store, mine, SUB.certificate, SUB.certificate, ROOT.certificate)[1]
    assert "no authority" in signed(store, mine, issue("cpo sub", ROOT).certificate)[1]
    assert signed(store)[0] == "Rejected"
    assert store.chain() == []
    assert signed(store, mine, SUB.certificate)[0] == "Accepted"


def test_the_end_of_what_vehicles_are_shown_is_seen_a_month_before(tmp_path: Path):
    later = datetime.now(UTC)
    store = V2GCertificates(tmp_path / "v2g", lambda: later)
    assert not store.expires_soon()
    install(store, ROOT)
    long_lived = x509.load_pem_x509_csr(store.signing_request("GARAGE", "ACME").encode()).public_key()
    mine = certify("GARAGE", long_lived, SUB, days=60)  # pyright: ignore[reportArgumentType] - ours is an EC key
    assert signed(store, mine, SUB.certificate)[0] == "Accepted"
    assert not store.expires_soon()
    later = mine.not_valid_after_utc.replace(tzinfo=UTC) - (mine.not_valid_after_utc - later) / 3
    assert store.expires_soon()

"""Certificates of Plug & Charge: roots of vehicles' and contracts' authorities, and what vehicles are shown.

A folder beside the backend's: nothing in it is trusted for the backend link, and nothing of that one for vehicles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nodes.maintenance.checking import (
    HASH,
    RENEWAL,
    Answer,
    CertificateRefused,
    check_root,
    check_validity,
    hash_data,
    issued_by,
    request_for,
    same_hashes,
    subject_of,
)
from nodes.pairing import files
from nodes.pairing.certificates import key_pem
from park.errors import KeysUnusable
from park.ocpp.link import Payload
from park.ocpp.maintenance import MOST_ROOTS
from park.ocpp.wire import member, text_of

ROOT_FOLDERS = {"V2GRootCertificate": "v2g-roots", "MORootCertificate": "mo-roots"}
CHAIN_TYPE = "V2GCertificateChain"
CHAIN_FILE, PENDING_FILE = "secc.pem", "pending.key"  # key and chain of the station; the key of its last request
LONGEST_CHAIN = 3  # ISO 15118-2 annex F: the leaf and at most two sub-authorities


class V2GCertificates:
    """Files below a folder, which is made when the first one comes."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self.folder, self._now = folder, now

    def answer(self, action: str, payload: Payload) -> Answer:
        """Do what the backend asks, on disk before it is answered (application note §6.2, §6.3, §6.6, §6.7)."""
        match action:
            case "InstallCertificate":
                return self._install(payload)
            case "GetInstalledCertificateIds":
                return self._list(payload)
            case "DeleteCertificate":
                return self._delete(payload)
            case _:
                return self._signed(payload)

    def roots(self, use: str) -> dict[Path, x509.Certificate]:
        """The installed ones; what cannot be read is left out."""
        found: dict[Path, x509.Certificate] = {}
        for path in sorted((self.folder / ROOT_FOLDERS[use]).glob("*.pem")):
            with suppress(OSError, ValueError):
                found[path] = x509.load_pem_x509_certificate(path.read_bytes())
        return found

    def chain(self) -> list[x509.Certificate]:
        """What vehicles are shown, leaf first; empty: none."""
        with suppress(OSError, ValueError):
            return x509.load_pem_x509_certificates((self.folder / CHAIN_FILE).read_bytes())
        return []

    def expires_soon(self) -> bool:
        """Whether what vehicles are shown has less than a month left."""
        chain = self.chain()
        return bool(chain) and chain[0].not_valid_after_utc - self._now() < RENEWAL

    def signing_request(self, name: str, organization: str) -> str:
        """A new key, kept until its certificate comes, and a request for it. Raises KeysUnusable."""
        key = ec.generate_private_key(ec.SECP256R1())  # ISO 15118-2 §7.3.4: secp256r1 with SHA-256
        files.private_directory(self.folder)
        files.write(self.folder / PENDING_FILE, key_pem(key), files.PRIVATE)
        return request_for(key, name, organization)

    def _install(self, payload: Payload) -> Answer:
        use = text_of(payload, "certificateType") or ""
        try:
            (certificate,) = x509.load_pem_x509_certificates((text_of(payload, "certificate") or "").encode())
            check_root(certificate, self._now())
        except (ValueError, UnsupportedAlgorithm):
            return Answer({"status": "Rejected"})
        path = self.folder / ROOT_FOLDERS[use] / f"{certificate.fingerprint(hashes.SHA256()).hex()}.pem"
        known = self.roots(use)
        if path not in known and len(known) >= MOST_ROOTS:
            return Answer({"status": "Rejected"})
        try:
            files.private_directory(self.folder)
            files.private_directory(path.parent)
            files.write(path, certificate.public_bytes(serialization.Encoding.PEM), files.PUBLIC)
        except KeysUnusable:
            return Answer({"status": "Failed"})
        return Answer({"status": "Accepted"}, f"{use} of {subject_of(certificate)} installed")

    def _list(self, payload: Payload) -> Answer:
        wanted = cast("list[str]", payload.get("certificateType") or [*ROOT_FOLDERS, CHAIN_TYPE])
        found = [entry for use in dict.fromkeys(wanted) for entry in self._entries(use)]
        if not found:
            return Answer({"status": "NotFound"})
        return Answer({"status": "Accepted", "certificateHashDataChain": found})

    def _entries(self, use: str) -> Iterator[dict[str, object]]:
        """CertificateHashDataChainType."""
        if use != CHAIN_TYPE:
            for root in self.roots(use).values():
                yield {"certificateType": use, "certificateHashData": hash_data(root, HASH)}
            return
        named = self._named(HASH)
        if named:
            entry: dict[str, object] = {"certificateType": use, "certificateHashData": named[0]}
            yield {**entry, "childCertificateHashData": named[1:]} if named[1:] else entry

    def _named(self, algorithm: str) -> list[dict[str, str]]:
        """Hash data of the chain, leaf first. The highest is named by its root, and left out when that is gone."""
        chain = self.chain()
        named = [hash_data(lower, algorithm, upper) for lower, upper in pairwise(chain)]
        roots = self.roots("V2GRootCertificate").values() if chain else ()
        root = next((each for each in roots if issued_by(chain[-1], each)), None)
        return named if root is None else [*named, hash_data(chain[-1], algorithm, root)]

    def _delete(self, payload: Payload) -> Answer:
        wanted = member(payload, "certificateHashData")
        algorithm = text_of(wanted, "hashAlgorithm") or ""
        for use in ROOT_FOLDERS:
            for path, root in self.roots(use).items():
                if same_hashes(hash_data(root, algorithm), wanted):
                    return _deleted(path, f"{use} of {subject_of(root)}")
        named = self._named(algorithm)
        if named and same_hashes(named[0], wanted):
            return _deleted(self.folder / CHAIN_FILE, "certificate that vehicles are shown")
        return Answer({"status": "NotFound"})

    def _signed(self, payload: Payload) -> Answer:
        try:
            chain = x509.load_pem_x509_certificates((text_of(payload, "certificateChain") or "").encode())
            pending = serialization.load_pem_private_key((self.folder / PENDING_FILE).read_bytes(), None)
            if not isinstance(pending, ec.EllipticCurvePrivateKey):
                raise CertificateRefused("the key of the last V2G signing request is damaged")
            self._check_chain(chain, pending.public_key())
        except FileNotFoundError:
            return Answer({"status": "Rejected"}, refused="no V2G signing request was made")
        except (ValueError, TypeError, OSError, UnsupportedAlgorithm, InvalidSignature) as error:
            return Answer({"status": "Rejected"}, refused=str(error) or type(error).__name__)
        pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
        try:
            files.write(self.folder / CHAIN_FILE, key_pem(pending) + pem, files.PRIVATE)
            (self.folder / PENDING_FILE).unlink()
        except (KeysUnusable, OSError) as error:
            return Answer({"status": "Rejected"}, refused=f"it cannot be kept: {error}")
        return Answer({"status": "Accepted"}, f"V2G certificate of {subject_of(chain[0])} taken")

    def _check_chain(self, chain: list[x509.Certificate], key: ec.EllipticCurvePublicKey) -> None:
        """It must come from an installed root (note §6.7.1), and be for the key that was asked for."""
        if not 1 <= len(chain) <= LONGEST_CHAIN:
            raise CertificateRefused(f"a V2G chain has 1 to {LONGEST_CHAIN} certificates")
        if chain[0].public_key() != key:
            raise CertificateRefused("the certificate is not for the key of the last V2G signing request")
        check_validity(chain[0], self._now())
        for lower, upper in pairwise(chain):
            check_root(upper, self._now())
            lower.verify_directly_issued_by(upper)
        if not any(issued_by(chain[-1], root) for root in self.roots("V2GRootCertificate").values()):
            raise CertificateRefused("it does not come from an installed V2GRootCertificate")


def _deleted(path: Path, what: str) -> Answer:
    try:
        path.unlink()
    except OSError:
        return Answer({"status": "Failed"})
    return Answer({"status": "Accepted"}, f"{what} deleted")

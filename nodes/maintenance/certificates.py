"""The certificates that backends install: roots of theirs and of the maker, and the station's own (white paper §5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path

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
from nodes.maintenance.v2g_certificates import V2GCertificates
from nodes.ocpp.trust import ROOTS
from nodes.pairing import files
from nodes.pairing.certificates import key_pem
from park.errors import KeysUnusable
from park.ocpp.link import Payload
from park.ocpp.maintenance import MOST_ROOTS
from park.ocpp.wire import member, text_of

STATION = "station-"  # begins the name of a file with the station's key and chain
V2G = "v2g"  # folder of what Plug & Charge needs
MAKERS = "makers"  # folder of the maker's roots
PENDING_KEY = "pending.key"
LONGEST_CHAIN = 4
OF_TYPE = {"CentralSystemRootCertificate": ROOTS, "ManufacturerRootCertificate": MAKERS}


class CertificateStore:
    """Files below a folder. What the configuration file names counts too, and no backend can delete it.

    `given_roots`: of backends, `given_certificate`: of the station, `maker_file`: of who may sign firmware.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime],
        *,
        given_roots: int = 0,
        given_certificate: bool = False,
        maker_file: Path | None = None,
    ) -> None:
        self.folder, self._now = folder, now
        self.v2g = V2GCertificates(folder / V2G, now)
        self._given_roots, self._given_certificate, self._maker_file = given_roots, given_certificate, maker_file

    def roots(self, kind: str) -> dict[Path, x509.Certificate]:
        """The installed ones; what cannot be read is left out."""
        found: dict[Path, x509.Certificate] = {}
        for path in sorted((self.folder / kind).glob("*.pem")):
            with suppress(OSError, ValueError):
                found[path] = x509.load_pem_x509_certificate(path.read_bytes())
        return found

    def makers(self) -> list[x509.Certificate]:
        """Who may sign the signers of firmware."""
        given: list[x509.Certificate] = []
        if self._maker_file is not None:
            with suppress(OSError, ValueError):
                given = x509.load_pem_x509_certificates(self._maker_file.read_bytes())
        return [*self.roots(MAKERS).values(), *given]

    @property
    def root_count(self) -> int:
        return self._given_roots + len(self.roots(ROOTS))

    @property
    def has_station_certificate(self) -> bool:
        return self._given_certificate or any(self.folder.glob(f"{STATION}*.pem"))

    def expires_soon(self) -> bool:
        """Whether the newest certificate a backend signed has less than a month left (white paper §2.6)."""
        ends: list[datetime] = []
        for path in self.folder.glob(f"{STATION}*.pem"):
            with suppress(OSError, ValueError):
                ends.append(x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc)
        return bool(ends) and max(ends) - self._now() < RENEWAL

    def answer(self, action: str, payload: Payload) -> Answer:
        """Do what the backend asks, on disk before it is answered."""
        match action:
            case "InstallCertificate":
                return self._install(payload)
            case "GetInstalledCertificateIds":
                return self._list(payload)
            case "DeleteCertificate":
                return self._delete(payload)
            case _:
                return self._signed(payload)

    def signing_request(self, name: str, organization: str = "") -> str:
        """A new key, kept until its certificate comes, and a request for it. Raises KeysUnusable."""
        key = ec.generate_private_key(ec.SECP256R1())
        files.private_directory(self.folder)
        files.write(self.folder / PENDING_KEY, key_pem(key), files.PRIVATE)
        return request_for(key, name, organization)

    # ------------------------------------------------------------ roots

    def _install(self, payload: Payload) -> Answer:
        kind = OF_TYPE[text_of(payload, "certificateType") or ""]
        try:
            (certificate,) = x509.load_pem_x509_certificates((text_of(payload, "certificate") or "").encode())
            check_root(certificate, self._now())
        except (ValueError, UnsupportedAlgorithm):
            return Answer({"status": "Rejected"})
        folder = self.folder / kind
        name = f"{certificate.fingerprint(hashes.SHA256()).hex()}.pem"
        known = self.roots(kind)
        if folder / name not in known and len(known) >= MOST_ROOTS:
            return Answer({"status": "Rejected"})
        try:
            files.private_directory(folder)
            files.write(folder / name, certificate.public_bytes(serialization.Encoding.PEM), files.PUBLIC)
        except KeysUnusable:
            return Answer({"status": "Failed"})
        return Answer({"status": "Accepted"}, f"root of {subject_of(certificate)} installed")

    def _list(self, payload: Payload) -> Answer:
        found = self.roots(OF_TYPE[text_of(payload, "certificateType") or ""])
        if not found:
            return Answer({"status": "NotFound"})
        data = [hash_data(certificate, HASH) for certificate in found.values()]
        return Answer({"status": "Accepted", "certificateHashData": data})

    def _delete(self, payload: Payload) -> Answer:
        """The last root of the backend's authority stays: without it nobody would be trusted any more."""
        wanted = member(payload, "certificateHashData")
        algorithm = text_of(wanted, "hashAlgorithm") or ""
        for kind in (ROOTS, MAKERS):
            roots = self.roots(kind)
            for path, certificate in roots.items():
                if not same_hashes(hash_data(certificate, algorithm), wanted):
                    continue
                if kind == ROOTS and self.root_count == 1:
                    return Answer({"status": "Failed"})
                try:
                    path.unlink()
                except OSError:
                    return Answer({"status": "Failed"})
                return Answer({"status": "Accepted"}, f"root of {subject_of(certificate)} deleted")
        return Answer({"status": "NotFound"})

    # ------------------------------------------------------------ the station's own

    def _signed(self, payload: Payload) -> Answer:
        try:
            chain = x509.load_pem_x509_certificates((text_of(payload, "certificateChain") or "").encode())
            pending = serialization.load_pem_private_key((self.folder / PENDING_KEY).read_bytes(), None)
            if not isinstance(pending, ec.EllipticCurvePrivateKey):
                raise CertificateRefused("the key of the last signing request is damaged")
            self._check_chain(chain, pending.public_key())
        except FileNotFoundError:
            return Answer({"status": "Rejected"}, refused="no signing request was made")
        except (ValueError, OSError, UnsupportedAlgorithm, InvalidSignature) as error:
            return Answer({"status": "Rejected"}, refused=str(error) or type(error).__name__)
        name = f"{STATION}{chain[0].fingerprint(hashes.SHA256()).hex()[:16]}.pem"
        pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
        try:
            files.write(self.folder / name, key_pem(pending) + pem, files.PRIVATE)
            (self.folder / PENDING_KEY).unlink()
        except (KeysUnusable, OSError) as error:
            return Answer({"status": "Rejected"}, refused=f"it cannot be kept: {error}")
        return Answer({"status": "Accepted"}, f"certificate of {subject_of(chain[0])} taken", certificate=name)

    def _check_chain(self, chain: list[x509.Certificate], key: ec.EllipticCurvePublicKey) -> None:
        if not 1 <= len(chain) <= LONGEST_CHAIN:
            raise CertificateRefused(f"a chain has 1 to {LONGEST_CHAIN} certificates")
        if chain[0].public_key() != key:
            raise CertificateRefused("the certificate is not for the key of the last signing request")
        check_validity(chain[0], self._now())
        for lower, upper in pairwise(chain):
            lower.verify_directly_issued_by(upper)
        trusted = [*self.roots(ROOTS).values()]
        if trusted and not any(issued_by(chain[-1], root) for root in trusted):
            raise CertificateRefused("it does not come from an installed root")

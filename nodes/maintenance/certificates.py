"""The certificates that backends install: roots of theirs and of the maker, and the station's own (white paper §5)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from nodes.ocpp.trust import ROOTS
from nodes.pairing import files
from nodes.pairing.certificates import key_pem
from park.errors import KeysUnusable
from park.ocpp.link import Payload
from park.ocpp.maintenance import MOST_ROOTS
from park.ocpp.wire import member, text_of

STATION = "station-"  # begins the name of a file with the station's key and chain
MAKERS = "makers"  # folder of the maker's roots
PENDING_KEY = "pending.key"
LONGEST_CHAIN = 4
OF_TYPE = {"CentralSystemRootCertificate": ROOTS, "ManufacturerRootCertificate": MAKERS}
LEAST_RSA_BITS, LEAST_EC_BITS = 2048, 224  # white paper §5

_HASHES = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}


class CertificateRefused(ValueError):
    """What is wrong with a certificate, for the security log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To the backend. `reconfigured`, `refused`: for the security log. `certificate`: file of the station's new one."""

    payload: Payload
    reconfigured: str = ""
    refused: str = ""
    certificate: str = ""


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
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organization:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        subject = x509.Name(names)
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    # ------------------------------------------------------------ roots

    def _install(self, payload: Payload) -> Answer:
        kind = OF_TYPE[text_of(payload, "certificateType") or ""]
        try:
            (certificate,) = x509.load_pem_x509_certificates((text_of(payload, "certificate") or "").encode())
            _check_root(certificate, self._now())
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
        return Answer({"status": "Accepted"}, f"root of {_subject(certificate)} installed")

    def _list(self, payload: Payload) -> Answer:
        found = self.roots(OF_TYPE[text_of(payload, "certificateType") or ""])
        if not found:
            return Answer({"status": "NotFound"})
        data = [hash_data(certificate, "SHA256") for certificate in found.values()]
        return Answer({"status": "Accepted", "certificateHashData": data})

    def _delete(self, payload: Payload) -> Answer:
        """The last root of the backend's authority stays: without it nobody would be trusted any more."""
        wanted = member(payload, "certificateHashData")
        algorithm = text_of(wanted, "hashAlgorithm") or ""
        for kind in (ROOTS, MAKERS):
            roots = self.roots(kind)
            for path, certificate in roots.items():
                if not _same(hash_data(certificate, algorithm), wanted):
                    continue
                if kind == ROOTS and self.root_count == 1:
                    return Answer({"status": "Failed"})
                try:
                    path.unlink()
                except OSError:
                    return Answer({"status": "Failed"})
                return Answer({"status": "Accepted"}, f"root of {_subject(certificate)} deleted")
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
        return Answer({"status": "Accepted"}, f"certificate of {_subject(chain[0])} taken", certificate=name)

    def _check_chain(self, chain: list[x509.Certificate], key: ec.EllipticCurvePublicKey) -> None:
        if not 1 <= len(chain) <= LONGEST_CHAIN:
            raise CertificateRefused(f"a chain has 1 to {LONGEST_CHAIN} certificates")
        if chain[0].public_key() != key:
            raise CertificateRefused("the certificate is not for the key of the last signing request")
        check_validity(chain[0], self._now())
        for lower, upper in pairwise(chain):
            lower.verify_directly_issued_by(upper)
        trusted = [*self.roots(ROOTS).values()]
        if trusted and not any(_issued(chain[-1], root) for root in trusted):
            raise CertificateRefused("it does not come from an installed root")


def check_signer(pem: str, makers: list[x509.Certificate], now: datetime) -> str:
    """What is wrong with a certificate that signed firmware, empty: nothing (white paper §5.11)."""
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
        check_validity(chain[0], now)
        for lower, upper in pairwise(chain):
            lower.verify_directly_issued_by(upper)
            _check_authority(upper)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        return str(error) or "the chain of the signing certificate is broken"
    if not makers:
        return "no ManufacturerRootCertificate is installed"
    if not any(_issued(chain[-1], maker) for maker in makers):
        return "the signing certificate does not come from an installed ManufacturerRootCertificate"
    return ""


def check_signature(pem: str, signature: bytes, digest: bytes) -> str:
    """What is wrong with a signature over a file with that SHA-256, empty: nothing; RSA (PSS or PKCS #1) or ECDSA."""
    prehashed = Prehashed(hashes.SHA256())
    try:
        key = x509.load_pem_x509_certificates(pem.encode())[0].public_key()
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, digest, ec.ECDSA(prehashed))
            case rsa.RSAPublicKey():
                _verify_rsa(key, signature, digest, prehashed)
            case _:
                return "the signing key is neither RSA nor ECDSA"
    except InvalidSignature:
        return "the signature does not fit the file"
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"the signature cannot be checked: {error}"
    return ""


def _verify_rsa(key: rsa.RSAPublicKey, signature: bytes, digest: bytes, prehashed: Prehashed) -> None:
    try:
        key.verify(signature, digest, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), prehashed)
    except InvalidSignature:
        key.verify(signature, digest, padding.PKCS1v15(), prehashed)


def check_validity(certificate: x509.Certificate, now: datetime) -> None:
    """Raise CertificateRefused for one that is out of date or whose key is too short."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateRefused(f"the certificate of {_subject(certificate)} is not valid now")
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits >= LEAST_RSA_BITS:
            return
        case ec.EllipticCurvePublicKey(key_size=bits) if bits >= LEAST_EC_BITS:
            return
        case _:
            raise CertificateRefused(f"the key of {_subject(certificate)} is too short or of another kind")


def _check_root(certificate: x509.Certificate, now: datetime) -> None:
    check_validity(certificate, now)
    _check_authority(certificate)


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise CertificateRefused(f"{_subject(certificate)} is no authority")


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether it comes from this root, or is it."""
    if certificate == root:
        return True
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def hash_data(certificate: x509.Certificate, algorithm: str) -> dict[str, str]:
    """CertificateHashDataType of a root, RFC 6960 §4.1.1: its issuer is itself."""
    name = _HASHES[algorithm]
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": hashlib.new(name, certificate.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": hashlib.new(name, _key_bits(key)).hexdigest(),
        "serialNumber": f"{certificate.serial_number:X}",
    }


def _key_bits(spki: bytes) -> bytes:
    """The contents of the BIT STRING that ends a SubjectPublicKeyInfo, without its count of unused bits."""
    offset = _header(spki, 0)  # SEQUENCE
    offset = _skip(spki, offset)  # algorithm
    return spki[_header(spki, offset) + 1 :]


def _header(der: bytes, offset: int) -> int:
    """Where the contents of the element at `offset` begin."""
    length = der[offset + 1]
    return offset + 2 + (length & 0x7F if length & 0x80 else 0)


def _skip(der: bytes, offset: int) -> int:
    begins = _header(der, offset)
    length = der[offset + 1]
    size = int.from_bytes(der[offset + 2 : begins]) if length & 0x80 else length
    return begins + size


def _same(mine: dict[str, str], wanted: Mapping[str, object]) -> bool:
    def plain(value: object) -> str:
        return str(value).lower().lstrip("0")

    return all(plain(value) == plain(wanted.get(name)) for name, value in mine.items())


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:100]

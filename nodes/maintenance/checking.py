"""What both stores of certificates need: answers, checks of certificates and signatures, and their names by hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID
from msgspec import Struct

from park.ocpp.link import Payload

RENEWAL = timedelta(days=30)
LEAST_RSA_BITS, LEAST_EC_BITS = 2048, 224  # white paper §5
HASH = "SHA256"  # of what is listed
_HASHES = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}


class CertificateRefused(ValueError):
    """What is wrong with a certificate, for the security log."""


FAILED = {
    "CertificateSigned": "Rejected",
    "DeleteCertificate": "Failed",
    "GetInstalledCertificateIds": "NotFound",
    "InstallCertificate": "Failed",
}
"""What is answered when something unforeseen keeps a message from being carried out."""


class Answer(Struct, frozen=True):
    """To the backend. `reconfigured`, `refused`: for the security log. `certificate`: file of the station's new one."""

    payload: Payload
    reconfigured: str = ""
    refused: str = ""
    certificate: str = ""


def request_for(key: ec.EllipticCurvePrivateKey, name: str, organization: str) -> str:
    """A PKCS #10 request as PEM. `organization`: empty: none."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


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
    if not any(issued_by(chain[-1], maker) for maker in makers):
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
        raise CertificateRefused(f"the certificate of {subject_of(certificate)} is not valid now")
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits >= LEAST_RSA_BITS:
            return
        case ec.EllipticCurvePublicKey(key_size=bits) if bits >= LEAST_EC_BITS:
            return
        case _:
            raise CertificateRefused(f"the key of {subject_of(certificate)} is too short or of another kind")


def check_root(certificate: x509.Certificate, now: datetime) -> None:
    """Raise CertificateRefused for one that is no authority, or not now."""
    check_validity(certificate, now)
    _check_authority(certificate)


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise CertificateRefused(f"{subject_of(certificate)} is no authority")


def issued_by(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether it comes from this root, or is it."""
    if certificate == root:
        return True
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def hash_data(certificate: x509.Certificate, algorithm: str, issuer: x509.Certificate | None = None) -> dict[str, str]:
    """CertificateHashDataType, RFC 6960 §4.1.1. `issuer` None: a root, whose issuer is itself."""
    name = _HASHES[algorithm]
    key = (
        (issuer or certificate)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
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


def same_hashes(mine: dict[str, str], wanted: Mapping[str, object]) -> bool:
    """Whether both name one certificate; leading zeros and case mean nothing."""

    def plain(value: object) -> str:
        return str(value).lower().lstrip("0")

    return all(plain(value) == plain(wanted.get(name)) for name, value in mine.items())


def subject_of(certificate: x509.Certificate) -> str:
    """For people."""
    return certificate.subject.rfc4514_string()[:100]

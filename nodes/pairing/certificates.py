"""X.509 as the park uses it: ECDSA P-256, one CA, certificates that name a role and a node."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from nodes.pairing import files
from park.errors import KeysUnusable
from park.pairing import fingerprint
from park.pairing.validity import Validity

SERVER_NAME = "server.chargepark"  # what boards expect at the other end, whatever its address
SERVER, BOARD, ENERGY = "server", "board", "energy"
_URI = re.compile(r"chargepark://([^/]+)/(server|board|energy)/([^/]+)")
_USAGES = {  # a board's certificate can never pose as the server's
    SERVER: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    BOARD: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    ENERGY: (ExtendedKeyUsageOID.CLIENT_AUTH,),
}


class Holder(Struct, frozen=True):
    """Who a certificate speaks of: `role` is server, board or energy (a manager; `node` is its name)."""

    park: str
    role: str
    node: str

    @property
    def dns_name(self) -> str:
        return SERVER_NAME if self.role == SERVER else f"{self.node}.{self.role}.chargepark"

    @property
    def uri(self) -> str:
        return f"chargepark://{self.park}/{self.role}/{self.node}"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """The private key in a file; None when there is none. Raises KeysUnusable."""
    pem = files.read_private(path)
    if pem is None:
        return None
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeysUnusable(f"{path}: this is no private key ({error}); restore it from a backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeysUnusable(f"{path}: this is no ECDSA key; restore it from a backup")
    return key


def load_certificate(path: Path) -> x509.Certificate | None:
    """The certificate in a file; None when there is none. Raises KeysUnusable."""
    pem = files.read(path)
    if pem is None:
        return None
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise KeysUnusable(f"{path}: this is no certificate ({error}); restore it from a backup") from error


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_fingerprint(of: x509.Certificate | x509.CertificateSigningRequest | ec.EllipticCurvePrivateKey) -> str:
    """SHA-256 of its public key; the name of a board's or an authority's identity."""
    spki = of.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return fingerprint.fingerprint(spki)


def signing_request(key: ec.EllipticCurvePrivateKey, node: str) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(node))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read_signing_request(request_pem: bytes) -> x509.CertificateSigningRequest:
    """A request whose sender holds the key. Raises ValueError saying what is wrong."""
    try:
        request = x509.load_pem_x509_csr(request_pem)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("this is no PKCS #10 signing request") from error
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise ValueError("the key is not ECDSA P-256")  # noqa: TRY004 - a value from outside
    if not signed:
        raise ValueError("the request is not signed by its key")
    return request


def authority_certificate(key: ec.EllipticCurvePrivateKey, park: str, validity: Validity) -> x509.Certificate:
    builder = _builder(_name(park), _name(park), key.public_key(), validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def certificate(
    holder: Holder,
    public_key: ec.EllipticCurvePublicKey,
    issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    validity: Validity,
) -> x509.Certificate:
    """A certificate of the park; nothing in it is taken from whoever asked, except the key."""
    issuer_key, issuer_certificate = issuer
    builder = _builder(_name(holder.node), issuer_certificate.subject, public_key, validity)
    names = x509.SubjectAlternativeName(
        (x509.DNSName(holder.dns_name), x509.UniformResourceIdentifier(holder.uri)),
    )
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES[holder.role]), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(authority, critical=False).sign(issuer_key, hashes.SHA256())


def holder_of(certificate: x509.Certificate) -> Holder | None:
    """Who a certificate speaks of; None for one that is not of a park."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        found = _URI.fullmatch(uri)
        if found:
            return Holder(*found.groups())
    return None


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority is one, and signed this certificate."""
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return constraints.ca


def may_serve(certificate: x509.Certificate) -> bool:
    """Whether this is a server's certificate: its role, its name and its use."""
    holder = holder_of(certificate)
    if holder is None or holder.role != SERVER:
        return False
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return SERVER_NAME in names.get_values_for_type(x509.DNSName) and ExtendedKeyUsageOID.SERVER_AUTH in usages


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begins)
        .not_valid_after(validity.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )

"""Certificates for tests: authorities, servers, stations, signers of firmware; and files of them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def files(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write `name.pem` and `name.key`."""
        chain, key = directory / f"{name}.pem", directory / f"{name}.key"
        chain.write_text(self.pem)
        key.write_text(self.key_pem)
        return chain, key


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    authority: bool = False,
    hosts: tuple[str, ...] = (),
    days: int = 30,
    key: Key | None = None,
) -> Issued:
    """A certificate; without an issuer it signs itself. `days` < 0: expired."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    return Issued(certify(name, key.public_key(), issuer, key, authority=authority, hosts=hosts, days=days), key)


def certify(
    name: str,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: Issued | None,
    own_key: Key | None = None,
    *,
    authority: bool = False,
    hosts: tuple[str, ...] = (),
    days: int = 30,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signer = issuer.key if issuer is not None else own_key
    assert signer is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = builder.add_extension(usage, critical=True)
    if hosts:
        names = [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def server_context(directory: Path, shown: Issued, clients_of: Issued | None = None) -> ssl.SSLContext:
    """For a TLS server; with `clients_of` it wants a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*shown.files(directory, "server"))
    if clients_of is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients_of.pem)
    return context

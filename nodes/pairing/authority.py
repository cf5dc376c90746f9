"""The park's own CA, made at the server's first start, and the server's certificate of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from nodes.pairing import certificates as certs
from nodes.pairing import files
from park.errors import KeysUnusable
from park.pairing import validity

CA_KEY, CA = "ca.key", "ca.pem"
SERVER_KEY, SERVER = "server.key", "server.pem"


class Authority(Struct, frozen=True):
    park: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """Of the CA's key: what a join token carries and people compare."""
        return certs.key_fingerprint(self.certificate)

    @property
    def pem(self) -> bytes:
        return certs.pem(self.certificate)

    def issue(self, request: x509.CertificateSigningRequest, node: str, wall: datetime) -> x509.Certificate:
        """A board's certificate for the key of a request that `read_signing_request` has checked."""
        lasts = validity.of_board(wall, self.certificate.not_valid_after_utc)
        return self._certificate(certs.Holder(self.park, certs.BOARD, node), request, lasts)

    def issue_manager(self, request: x509.CertificateSigningRequest, name: str) -> x509.Certificate:
        """An energy manager's: as long as the CA, because nobody renews it; it ends when its name is removed."""
        lasts = validity.Validity(validity.BEGINS, self.certificate.not_valid_after_utc)
        return self._certificate(certs.Holder(self.park, certs.ENERGY, name), request, lasts)

    def _certificate(
        self, holder: certs.Holder, request: x509.CertificateSigningRequest, lasts: validity.Validity
    ) -> x509.Certificate:
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("a signing request that was not checked")
        return certs.certificate(holder, key, (self.key, self.certificate), lasts)


def open_authority(directory: Path, park: str, node: str, wall: datetime) -> Authority:
    """The CA of `directory`, made when there is none, and the server's certificate beside it. Raises KeysUnusable."""
    files.private_directory(directory)
    authority = _authority(directory, park, wall)
    _serve_as(directory, authority, node)
    return authority


def _authority(directory: Path, park: str, wall: datetime) -> Authority:
    key, known = certs.load_key(directory / CA_KEY), certs.load_certificate(directory / CA)
    if key is None and known is not None:
        raise KeysUnusable(
            f"{directory / CA_KEY}: the key of this park's CA is gone; restore it from a backup, or remove "
            f"{directory / CA} and pair every board again"
        )
    if key is None:
        key = certs.new_key()
        files.write(directory / CA_KEY, certs.key_pem(key), files.PRIVATE)
    if known is None:  # the first start, or one that was cut off: no board can know this CA yet
        known = certs.authority_certificate(key, park, validity.of_authority(wall))
        files.write(directory / CA, certs.pem(known), files.PUBLIC)
    if certs.key_fingerprint(key) != certs.key_fingerprint(known):
        raise KeysUnusable(f"{directory}: {CA_KEY} and {CA} do not belong together; restore both from one backup")
    return Authority(park, key, known)


def _serve_as(directory: Path, authority: Authority, node: str) -> None:
    """The server's certificate lasts as long as the CA: a board whose clock is wrong still believes it."""
    holder = certs.Holder(authority.park, certs.SERVER, node)
    key, known = certs.load_key(directory / SERVER_KEY), certs.load_certificate(directory / SERVER)
    if (
        key is not None
        and known is not None
        and certs.key_fingerprint(key) == certs.key_fingerprint(known)
        and certs.is_issued_by(known, authority.certificate)
        and certs.holder_of(known) == holder
    ):
        return
    if key is None:
        key = certs.new_key()
        files.write(directory / SERVER_KEY, certs.key_pem(key), files.PRIVATE)
    lasts = validity.Validity(validity.BEGINS, authority.certificate.not_valid_after_utc)
    made = certs.certificate(holder, key.public_key(), (authority.key, authority.certificate), lasts)
    files.write(directory / SERVER, certs.pem(made), files.PUBLIC)

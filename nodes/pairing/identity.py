"""A board's own key, and the certificate and the park it got for it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from nodes.pairing import certificates as certs
from nodes.pairing import files
from park.errors import KeysUnusable, PairingRefused
from park.pairing import validity
from park.pairing.fingerprint import words

KEY, CERTIFICATE, CA = "board.key", "board.pem", "ca.pem"


class Membership(Struct, frozen=True):
    """What a paired board has: `authority` is the fingerprint of its park's CA key, `until` when it has to renew."""

    park: str
    node: str
    authority: str
    until: datetime


class BoardKeys:
    """The key files of a board; the key is made when there is none. Raises KeysUnusable."""

    def __init__(self, directory: Path) -> None:
        files.private_directory(directory)
        self.directory = directory
        self._key = certs.load_key(directory / KEY) or _new_key(directory / KEY)

    @property
    def fingerprint(self) -> str:
        return certs.key_fingerprint(self._key)

    @property
    def words(self) -> str:
        return words(self.fingerprint)

    def signing_request(self, node: str) -> bytes:
        return certs.signing_request(self._key, node)

    def known_authority(self) -> str | None:
        """Fingerprint of the CA this board believes, from its first pairing on."""
        known = certs.load_certificate(self.directory / CA)
        return None if known is None else certs.key_fingerprint(known)

    def membership(self) -> Membership | None:
        """The park this board belongs to; None while it is not paired."""
        mine, authority = certs.load_certificate(self.directory / CERTIFICATE), self.known_authority()
        if mine is None or authority is None or certs.key_fingerprint(mine) != self.fingerprint:
            return None
        holder = certs.holder_of(mine)
        if holder is None:
            return None
        return Membership(holder.park, holder.node, authority, mine.not_valid_after_utc)

    def accept(self, certificate_pem: bytes, authority: x509.Certificate, node: str) -> Membership:
        """Keep a certificate of an authority the caller believes. Raises PairingRefused for one that is not ours."""
        mine = _read(certificate_pem)
        holder = certs.holder_of(mine)
        if (
            holder is None
            or (holder.role, holder.node) != (certs.BOARD, node)
            or certs.key_fingerprint(mine) != self.fingerprint
            or not certs.is_issued_by(mine, authority)
        ):
            raise PairingRefused("the server sent a certificate that is not this board's; is it a chargepark server?")
        believed = self.known_authority()
        if believed not in {None, certs.key_fingerprint(authority)}:
            raise PairingRefused(other_park(self.directory))
        files.write(self.directory / CA, certs.pem(authority), files.PUBLIC)
        files.write(self.directory / CERTIFICATE, certificate_pem, files.PUBLIC)
        return Membership(holder.park, node, certs.key_fingerprint(authority), mine.not_valid_after_utc)

    def authority(self) -> x509.Certificate:
        """The CA of the park; raises KeysUnusable before pairing."""
        known = certs.load_certificate(self.directory / CA)
        if known is None:
            raise KeysUnusable(f"{self.directory / CA}: this board is not paired yet")
        return known

    def needs_pairing(self, node: str, wall: datetime) -> bool:
        """Whether this board has to join: not paired, called otherwise before, or switched off for too long."""
        member = self.membership()
        return member is None or member.node != node or validity.has_ended(member.until, wall)

    def renewal_is_due(self, wall: datetime) -> bool:
        member = self.membership()
        return member is not None and validity.renewal_is_due(member.until, wall)


def other_park(directory: Path) -> str:
    return (
        f"this board belongs to another park; to move it, remove {CA} and {CERTIFICATE} from {directory} and pair again"
    )


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = certs.new_key()
    files.write(path, certs.key_pem(key), files.PRIVATE)
    return key


def _read(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise PairingRefused("the server sent something that is no certificate") from error

"""The join token: one line of text that lets one board in, and tells it which park to believe."""

from __future__ import annotations

import base64
import binascii
import hashlib

from msgspec import Struct

from park.model.secrets import without

PREFIX = "cpj1-"  # chargepark join, version 1
FAMILY = "cpj"
SECRET_BYTES = 16  # 128 bits: nobody guesses it, so its plain hash may be kept
_AUTHORITY_BYTES = 32
_CHECK_BYTES = 4  # tells a token that was mistyped or cut from one that is unknown
_LENGTH = _AUTHORITY_BYTES + SECRET_BYTES + _CHECK_BYTES


class JoinToken(Struct, frozen=True):
    """`authority`: fingerprint of the park's CA key. `secret`: known to the server as its hash only."""

    authority: str
    secret: bytes

    def __repr__(self) -> str:
        return without(self, "secret")

    def text(self) -> str:
        body = bytes.fromhex(self.authority) + self.secret
        return PREFIX + base64.b32encode(body + _check(body)).decode().rstrip("=").lower()


def parse_token(text: str) -> JoinToken:
    """A token as a person gives it; raises ValueError saying what is wrong, without repeating the secret."""
    line = "".join(text.split()).lower()
    if not line:
        raise ValueError("there is no token in it; make one with `chargepark pair token` on the server")
    if not line.startswith(PREFIX):
        kind, dash, _ = line.partition("-")
        if dash and kind.startswith(FAMILY) and kind.removeprefix(FAMILY).isdigit():
            raise ValueError(f"this is a token of version {kind}, and this program knows cpj1; use the same version")
        raise ValueError(f"this is no join token; one begins with {PREFIX}")
    digits = line.removeprefix(PREFIX).upper()
    try:
        raw = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except binascii.Error:
        raise ValueError("the token has characters no token has, or a part is missing; copy it again") from None
    if len(raw) != _LENGTH:
        raise ValueError(f"the token has {len(raw)} bytes instead of {_LENGTH}; copy it again, all of it")
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if check != _check(body):
        raise ValueError("the token was mistyped: its check sum is wrong; copy it again")
    return JoinToken(body[:_AUTHORITY_BYTES].hex(), body[_AUTHORITY_BYTES:])


def digest(secret: bytes) -> str:
    """What the server keeps of a secret."""
    return hashlib.sha256(secret).hexdigest()


def _check(body: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + body).digest()[:_CHECK_BYTES]

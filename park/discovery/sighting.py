"""One board as the network shows it; what is no announcement of ours is refused with a reason."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast, get_args

from msgspec import Struct

from park.config.board import Role
from park.config.quantities import LAST_PORT, NAME_PATTERN, Endpoint

LARGEST_RECORD = 1300  # bytes, RFC 6763 §6.2: more does not fit one packet
MOST_ADDRESSES = 16  # a board has a few interfaces; each is a place somebody would dial
LARGEST_PROTO = 65_535
_ROLES: tuple[str, ...] = get_args(Role)
_FINGERPRINT = re.compile(r"[0-9A-Za-z:+/=_-]{0,128}")  # SHA-512 as hexadecimal digits is the longest
_VOICE = re.compile(r"[0-9]{1,12}/[!-~]{1,80}")  # an epoch a second for 30 000 years, and an id of a server's start
_DIGITS = re.compile(r"[0-9]{1,5}")
_SHOWN = 40

Record = Mapping[bytes, bytes | None]
"""A TXT record as it comes off the wire; None: a key without a value."""


class Sighting(Struct, frozen=True):
    """`port` 0: the board listens for no other; `pairing_port` 0: pairing is closed. `seen`: when last heard, mono.

    Nothing here is proven: anybody in the network can announce it.
    """

    instance: str
    node: str
    park: str
    role: Role
    proto: int
    fingerprint: str
    addresses: tuple[str, ...]
    port: int
    pairing_port: int
    seen: float
    voice: str = ""
    leads: bool = False

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where the board may be dialled; empty if it listens for no other."""
        return tuple(Endpoint(address, self.port) for address in self.addresses) if self.port else ()


class Unreadable(Struct, frozen=True):
    """An instance whose announcement is refused; `reason` for a technician."""

    instance: str
    reason: str


class _Refusal(Exception):
    """Why a record is no announcement; never leaves this module."""


def read(instance: str, record: Record, addresses: tuple[str, ...], port: int, seen: float) -> Sighting | Unreadable:
    """What an announcement says; keys that are not known are left alone. Never raises, whatever stands in it."""
    try:
        return Sighting(
            instance=instance,
            node=_name(record, "node"),
            park=_name(record, "park"),
            role=_role(record),
            proto=_number(record, "proto", 1, LARGEST_PROTO),
            fingerprint=_fingerprint(record),
            addresses=_dialled(addresses),
            port=_port(port),
            pairing_port=_number(record, "pairing", 1, LAST_PORT) if b"pairing" in record else 0,
            seen=seen,
            voice=_voice(record),
            leads=record.get(b"leads") == b"1",
        )
    except _Refusal as refusal:
        return Unreadable(instance, str(refusal))


def _text(record: Record, key: str) -> str:
    size = sum(len(name) + 1 + len(value or b"") for name, value in record.items())
    if size > LARGEST_RECORD:
        raise _Refusal(f"its TXT record has {size} bytes, more than {LARGEST_RECORD}")
    if key.encode() not in record:
        raise _Refusal(f"its TXT record has no {key}")
    value = record[key.encode()] or b""
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise _Refusal(f"{key} is {_abridged(value)}, no ASCII") from None


def _name(record: Record, key: str) -> str:
    text = _text(record, key)
    if not NAME_PATTERN.fullmatch(text):
        raise _Refusal(f"{key} is {_abridged(text)}, no name")
    return text


def _role(record: Record) -> Role:
    text = _text(record, "role")
    if text not in _ROLES:
        raise _Refusal(f"role is {_abridged(text)}, none of {', '.join(_ROLES)}")
    return cast("Role", text)


def _number(record: Record, key: str, least: int, most: int) -> int:
    text = _text(record, key)
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise _Refusal(f"{key} is {_abridged(text)}, no number from {least} to {most}")
    return int(text)


def _fingerprint(record: Record) -> str:
    text = _text(record, "fp") if b"fp" in record else ""
    if not _FINGERPRINT.fullmatch(text):
        raise _Refusal(f"fp is {_abridged(text)}, no fingerprint")
    return text


def _voice(record: Record) -> str:
    text = _text(record, "voice") if b"voice" in record else ""
    if text and not _VOICE.fullmatch(text):
        raise _Refusal(f"voice is {_abridged(text)}, no EPOCH/SERVER")
    return text


def _port(port: int) -> int:
    if not 0 <= port <= LAST_PORT:
        raise _Refusal(f"port is {port}")
    return port


def in_order(addresses: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in the same order, however they came: IPv4 first."""
    return tuple(sorted(set(addresses), key=lambda address: (":" in address, address)))


def _dialled(addresses: tuple[str, ...]) -> tuple[str, ...]:
    usable = in_order(_unicast(addresses))[:MOST_ADDRESSES]
    if not usable:
        raise _Refusal("it has no address that can be dialled")
    return usable


def _unicast(addresses: tuple[str, ...]) -> Iterator[str]:
    """Without those that name nobody or everybody (0.0.0.0 would reach ourselves), or lack their interface."""
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        nowhere = address.version == 6 and address.is_link_local and not address.scope_id  # noqa: PLR2004 IPv6
        if not (nowhere or address.is_unspecified or address.is_multicast or text == "255.255.255.255"):
            yield text


def _abridged(value: str | bytes) -> str:
    text = repr(value).removeprefix("b")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

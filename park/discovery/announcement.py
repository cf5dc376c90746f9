"""What a board says of itself by DNS-SD: instance name, host name and TXT record."""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from park.config.board import Role
from park.config.quantities import Endpoint

SERVICE_TYPE = "_chargepark._tcp.local."
LONGEST_LABEL = 63  # bytes, RFC 1035 §2.3.4
_HASH_LENGTH = 8
_NOT_IN_HOST = re.compile(r"[^A-Za-z0-9-]+")


class Announcement(Struct, frozen=True):
    """`port`: gRPC for boards, 0: none is open. `pairing_port` 0: pairing is closed.

    `fingerprint`: of the certificate, "" before pairing. `proto`: version of the exchange between boards.
    `voice`: EPOCH/SERVER ID of a server, and whether it `leads` now or waits for another one.
    """

    park: str
    node: str
    role: Role
    proto: int
    port: int
    fingerprint: str = ""
    pairing_port: int = 0
    voice: str = ""
    leads: bool = False


def reachable(addresses: tuple[str, ...], listener: Endpoint | None) -> tuple[str, ...]:
    """Those of a machine's addresses that reach its listener; without one they only say where the board is."""
    if listener is None or listener.host == "::":
        return addresses
    if listener.host == "0.0.0.0":  # noqa: S104 compared, not bound
        return tuple(address for address in addresses if ":" not in address)
    return (listener.host,)


def txt_record(announcement: Announcement) -> dict[str, str]:
    """The keys of the TXT record; `pairing` only while it is open, `voice` and `leads` of a server."""
    record = {
        "park": announcement.park,
        "node": announcement.node,
        "role": announcement.role,
        "proto": str(announcement.proto),
        "fp": announcement.fingerprint,
    }
    if announcement.pairing_port:
        record["pairing"] = str(announcement.pairing_port)
    if announcement.voice:
        record |= {"voice": announcement.voice, "leads": str(int(announcement.leads))}
    return record


def instance_name(announcement: Announcement, number: int = 1) -> str:
    """`NODE@PARK` as one label, with a hash where it had to be changed; `number` > 1 where the name before is taken.

    Dots go, although RFC 6763 §4.1.1 allows them: the library writes them as bounds between labels.
    """
    plain = f"{announcement.node}@{announcement.park}"
    ending = f" ({number})" if number > 1 else ""
    label = plain.replace(".", "-")
    if label != plain or len(label) + len(ending) > LONGEST_LABEL:
        ending = f"-{_hash(announcement)}{ending}"
    return label[: LONGEST_LABEL - len(ending)] + ending


def host_name(announcement: Announcement, token: str) -> str:
    """A host of its own for each announcing, `token` drawn for it: no board may get the addresses of another.

    Boards that took one name while they were apart would else answer for one host, and no difference would show.
    """
    ending = f"-{token}"
    label = _NOT_IN_HOST.sub("-", announcement.node).strip("-")[: LONGEST_LABEL - len(ending)]
    return f"{label}{ending}.local."


def _hash(announcement: Announcement) -> str:
    text = f"{announcement.park}/{announcement.node}"
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]

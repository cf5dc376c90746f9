"""Which addresses of this machine discovery uses now: those of the chosen interfaces that are up and have a link."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import ifaddr
from msgspec import Struct

SIOCGIFFLAGS = 0x8913  # linux/sockios.h
IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x1, 0x8, 0x40  # linux/if.h
_NAME_BYTES = 16  # IFNAMSIZ
_INTERFACES = Path("/sys/class/net")


class Network(Struct, frozen=True):
    """`speakers`: addresses multicast is sent from; `announced`: where this node is reached. Empty without a link.

    `link_changes`: how often a link came or went, so that one which was out between two looks is another network.
    """

    speakers: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    link_changes: int = 0


class _Interface(Struct, frozen=True):
    name: str
    loopback: bool
    v4: tuple[str, ...]
    v6: tuple[str, ...]
    link_local: tuple[str, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        return (*self.v4, *self.v6, *self.link_local)


def network(wanted: tuple[str, ...]) -> Network:
    """`wanted`: names or addresses of interfaces; empty: every interface but loopback. Raises OSError."""
    chosen = [each for each in _running() if _is_wanted(each, wanted)]
    speakers = [address for each in chosen for address in (*each.v4, *_v6_speaker(each))]
    announced = [address for each in chosen for address in _announced(each)]
    return Network(tuple(speakers), tuple(announced), sum(_link_changes(each.name) for each in chosen))


def _is_wanted(interface: _Interface, wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return not interface.loopback
    return interface.name in wanted or any(address in wanted for address in interface.addresses)


def _announced(interface: _Interface) -> tuple[str, ...]:
    """Without link-local addresses where there are others: they mean nothing without the interface of the caller."""
    return interface.v4 if interface.loopback else interface.v4 + interface.v6 or interface.link_local


def _v6_speaker(interface: _Interface) -> tuple[str, ...]:
    """One address an interface: multicast is joined by interface. The loopback of IPv6 carries none."""
    return () if interface.loopback else (interface.link_local + interface.v6)[:1]


def _running() -> Iterator[_Interface]:
    for adapter in ifaddr.get_adapters():
        flags = _flags(adapter.name)
        if not (flags & IFF_UP and flags & IFF_RUNNING):
            continue
        v4 = tuple(str(each.ip) for each in adapter.ips if each.is_IPv4)
        v6 = tuple(each.ip[0] for each in adapter.ips if isinstance(each.ip, tuple) and _can_be_bound(each.ip))
        near = tuple(address for address in v6 if ipaddress.ip_address(address).is_link_local)
        far = tuple(address for address in v6 if address not in near)
        yield _Interface(adapter.name, bool(flags & IFF_LOOPBACK), v4, far, near)


def _flags(name: str) -> int:
    """Zero for an interface that has just gone."""
    request = struct.pack(f"{_NAME_BYTES}sH14x", name.encode()[: _NAME_BYTES - 1], 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            return struct.unpack(f"{_NAME_BYTES}xH14x", fcntl.ioctl(asking, SIOCGIFFLAGS, request))[0]
        except OSError:
            return 0


def _link_changes(name: str) -> int:
    """Zero where the kernel does not say: an interface that has just gone, a machine without sysfs."""
    try:
        return int((_INTERFACES / name / "carrier_changes").read_text())
    except (OSError, ValueError):
        return 0


def _can_be_bound(address: tuple[str, int, int]) -> bool:
    """Not for the second in which the kernel still looks whether somebody else has it (RFC 4862 §5.4)."""
    host, flow, scope = address
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trying:
        try:
            trying.bind((host, 0, flow, scope))
        except OSError:
            return False
    return True

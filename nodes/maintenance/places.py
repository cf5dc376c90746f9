"""Where files may be brought to or fetched from: a backend must not reach what stands beside this board."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
STALL_SECONDS = 30.0  # ours: a peer that says nothing for so long is gone


class TransferFailed(OSError):
    """A transfer did not come about; the text says why, without credentials."""


class Place(Struct, frozen=True):
    """`address`: where to connect, checked. `path` with its query; `user` and `password` of the URL."""

    scheme: str
    host: str
    port: int
    path: str
    user: str
    password: str
    address: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{self.path.partition('?')[0]}"

    @property
    def is_http(self) -> bool:
        return self.scheme in {"http", "https"}

    @property
    def is_secure(self) -> bool:
        return self.scheme in {"https", "ftps"}

    def connect(self) -> socket.socket:
        """To the address that was checked, whatever the name means by now."""
        return socket.create_connection((self.address, self.port), timeout=STALL_SECONDS)


class Rules(Struct, frozen=True):
    """`hosts`: the only ones allowed; empty: all but this machine and its link. `context`: for https and ftps."""

    hosts: frozenset[str] = frozenset()
    context: ssl.SSLContext | None = None

    def place(self, url: str) -> Place:
        """Resolve and check; raises TransferFailed."""
        try:
            parts = urlsplit(url)
            port = parts.port or DEFAULT_PORTS[parts.scheme.lower()]
        except (ValueError, KeyError):
            raise TransferFailed("the location is no URL of http, https, ftp or ftps") from None
        host = parts.hostname or ""
        address = self._address(host, port)
        return Place(
            parts.scheme.lower(),
            host,
            port,
            _path(parts),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            address,
        )

    def _address(self, host: str, port: int) -> str:
        if self.hosts and host.lower() not in self.hosts:
            raise TransferFailed(f"{host} is not among the hosts of [maintenance] hosts")
        try:
            found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as error:
            raise TransferFailed(f"{host} cannot be found ({error})") from error
        for address in found:
            if not self.hosts and _is_near(address):
                raise TransferFailed(f"{host} is this machine or its own link; name it in [maintenance] hosts to allow")
        return found[0]


def _path(parts: SplitResult) -> str:
    path = parts.path or "/"
    if any(letter in path + parts.query for letter in "\r\n\0 "):
        raise TransferFailed("the location holds characters that no URL has")
    return f"{path}?{parts.query}" if parts.query else path


def _is_near(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast

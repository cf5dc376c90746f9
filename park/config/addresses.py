"""Whether the addresses of a file can be listened on and reached, and the backend spoken to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from urllib.parse import urlsplit

from park.config.findings import Document, Finding
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint, endpoint, tcp_endpoint
from park.config.schema import Path


def addresses(config: NodeConfig) -> Iterator[Finding]:
    taken: list[tuple[Path, Endpoint]] = [(("listen", key), place) for key, place in config.listeners.items()]
    for (first, place), (second, other) in combinations(taken, 2):
        if place.conflicts_with(other):
            reason = f"{other} is used by {'.'.join(map(str, first))} already"
            yield Finding(second, reason, "give each its own port")
    remote: list[tuple[Path, Endpoint]] = [
        (("meter", n, "address"), tcp_endpoint(each.address)) for n, each in enumerate(config.meter)
    ]
    if config.bench is not None:
        remote.append((("bench", "address"), endpoint(config.bench.address)))
    for path, place in remote:
        for key, own in taken:
            if place == own:
                yield Finding(path, f"{place} is where {'.'.join(map(str, key))} listens", "give each its own port")


def backend_link(config: NodeConfig, document: Document) -> Iterator[Finding]:
    if config.authorization.mode == "backend" and "backend" not in document and config.node.role != "client":
        remedy = "add [backend] with url and identity, or set authorization.mode"
        yield Finding(("backend",), "is missing, and authorization.mode is backend", remedy)
    backend = config.backend
    if backend is None:
        return
    url = urlsplit(backend.url)
    if backend.identity in url.path.split("/"):
        reason = f"holds the identity {backend.identity!r}, which is appended on connecting"
        yield Finding(("backend", "url"), reason, "remove the identity from the URL")
    needs_tls = backend.security_profile >= 2  # noqa: PLR2004 profiles 2 and 3 are TLS (security white paper §3)
    if needs_tls and url.scheme == "ws":
        remedy = "use wss:// or a lower profile"
        yield Finding(("backend", "security_profile"), f"is {backend.security_profile}, but url is ws://", remedy)
    if backend.security_profile == 1 and url.scheme == "wss":
        yield Finding(("backend", "security_profile"), "is 1, which is without TLS, but url is wss://", "set it to 2")
    if backend.security_profile in {1, 2} and not backend.password_file:
        reason = f"is empty, but security_profile {backend.security_profile} needs a password"
        yield Finding(("backend", "password_file"), reason, "name the file that holds it")
    if backend.security_profile == 3 and not (backend.certificate_file and backend.key_file):  # noqa: PLR2004
        reason = "is 3, but certificate_file or key_file is empty"
        yield Finding(("backend", "security_profile"), reason, "name the files of the station's certificate and key")
    if needs_tls and backend.tls == "any":
        reason = f"is any, but security_profile {backend.security_profile} wants TLS 1.2 or newer"
        yield Finding(("backend", "tls"), reason, "use secure, or security_profile 0 for an old backend")

"""Where the backend is and how to get in, and what a refused connection means to a technician."""

from __future__ import annotations

import ssl as tls_library
from base64 import b64encode
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from nodes.bridge import Backoff

HARD_FRAME_BYTES = 4 * 1024 * 1024  # a longer frame ends the connection (close code 1009)
SOFT_FRAME_BYTES = 1024 * 1024  # a longer frame is refused, the connection stays


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` without the identity, which is appended on connecting (B-001). An empty password: no Basic auth (B-002).

    Times in seconds; `ping_interval` 0: no pings (B-004). `compression`: offer permessage-deflate.
    """

    url: str
    identity: str
    password: str = ""
    ping_interval: float = 60.0
    ping_timeout: float = 20.0
    open_timeout: float = 30.0
    compression: bool = True
    tls: tls_library.SSLContext | None = None

    @property
    def address(self) -> str:
        return f"{self.url.rstrip('/')}/{quote(self.identity, safe='')}"

    @property
    def ssl(self) -> tls_library.SSLContext | Literal[True] | None:
        """What the connection needs: the system's trust store unless a context is configured."""
        return self.tls or (True if self.url.lower().startswith("wss:") else None)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP Basic with the identity as user name (B-002)."""
        if not self.password:
            return {}
        return {"Authorization": f"Basic {b64encode(f'{self.identity}:{self.password}'.encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class BackendBackoff(Backoff):
    """B-009's shape: doubling with ± 20 % jitter. The longest wait is minutes, not its 12 hours."""

    first: float = 1.0
    most: float = 120.0

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait; `draw` in [0, 1)."""
        full = min(self.first * 2.0 ** min(failures - 1, 32), self.most)
        return full * (0.8 + 0.4 * draw)


class Connect(connect):
    """A websocket client that follows no redirect (B-187): credentials go where the configuration says."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the refusal instead of the new address."""
        return exc


_HINTS = {
    400: "it does not accept this identity or the subprotocol ocpp1.6: check [backend] url and identity",
    401: "it refused the password: check [backend] identity and password_file",
    403: "it refused this identity: check [backend] identity and password_file",
    404: "it does not know this address: check [backend] url and identity",
}


def explain(endpoint: Endpoint, error: Exception) -> str:
    """Why there is no connection: what, where, and what to do. Never holds the password."""
    where = f"backend {endpoint.address}"
    match error:
        case InvalidStatus():
            status = error.response.status_code
            hint = _HINTS.get(status, "the backend is reachable but not ready; it is tried again")
            if status in range(300, 400):
                target = error.response.headers.get("Location")
                hint = f"it redirects to {target!r}, which is not followed: check [backend] url"
            return f"{where} answered HTTP {status}: {hint}"
        case InvalidURI():
            return f"{where} is no websocket address: [backend] url begins with ws:// or wss://"
        case InvalidHandshake():
            return f"{where} does not speak websocket as expected ({error}): check [backend] url"
        case TimeoutError():
            return f"{where} did not answer within {endpoint.open_timeout:g} s: check network and [backend] url"
        case _:
            return f"{where} cannot be reached ({error}): check network and [backend] url"

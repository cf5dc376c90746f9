"""Where the backend is and how to get in, and what a refused connection means to a technician."""

from __future__ import annotations

import ssl
from base64 import b64encode
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, ProxyError

from nodes.bridge import Backoff
from nodes.ocpp.trust import Trust, TrustUnusable
from park.ocpp.connection import ConnectionSettings
from park.ocpp.link import LossCause, UseConnection

HARD_FRAME_BYTES = 4 * 1024 * 1024  # a longer frame ends the connection (close code 1009)
SOFT_FRAME_BYTES = 1024 * 1024  # a longer frame is refused, the connection stays
CERTIFICATE_PROFILE = 3  # security white paper §3: the certificate takes the place of the password


class Endpoint(Struct, frozen=True):
    """`url` without the identity, which is appended on connecting (B-001). An empty password: no Basic auth (B-002).

    Times in seconds; `ping_interval` 0: no pings (B-004). `compression`: offer permessage-deflate. `via`: a proxy,
    HOST:PORT, empty: none (B-003). `watchdog`: so long without a sign of the backend, its life is proved or the link
    made anew (B-012); 0: never.
    """

    url: str
    identity: str
    password: str = ""
    profile: int = 0
    ping_interval: float = 60.0
    ping_timeout: float = 20.0
    open_timeout: float = 30.0
    watchdog: float = 0.0
    compression: bool = True
    via: str = ""
    certificate: str = ""
    user: str = ""
    trust: Trust = Trust()

    @property
    def settings(self) -> ConnectionSettings:
        return ConnectionSettings(self.url, self.identity, self.profile, self.password, self.certificate, self.user)

    @property
    def address(self) -> str:
        return f"{self.settings.secure_url.rstrip('/')}/{quote(self.identity, safe='')}"

    @property
    def via_url(self) -> str | None:
        return f"http://{self.via}" if self.via else None

    @property
    def server_name(self) -> dict[str, str]:
        """As the connection wants it: nothing, unless another name than the URL's is asked for."""
        return {"server_hostname": self.trust.server_name} if self.trust.server_name else {}

    @property
    def headers(self) -> dict[str, str]:
        """HTTP Basic with the identity as user name (B-002), unless the backend wants another (B-380)."""
        if not self.password or self.profile >= CERTIFICATE_PROFILE:
            return {}
        credentials = f"{self.user or self.identity}:{self.password}"
        return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}

    def context(self) -> ssl.SSLContext | None:
        """For one connection; None without TLS. Raises TrustUnusable."""
        if not self.address.lower().startswith("wss:"):
            return None
        return self.trust.context(with_certificate=self.profile >= CERTIFICATE_PROFILE, certificate=self.certificate)

    def using(self, order: UseConnection) -> Endpoint:
        settings = order.settings
        return replace(
            self,
            url=settings.url,
            identity=settings.identity,
            password=settings.password,
            profile=settings.profile,
            certificate=settings.certificate,
            user=settings.user,
            open_timeout=order.answer_seconds,
        )


class BackendBackoff(Backoff, frozen=True):
    """B-009's shape: doubling with ± 20 % jitter. The longest wait is minutes, not its 12 hours."""

    first: float = 1.0
    most: float = 120.0

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait; `draw` in [0, 1)."""
        full = min(self.first * 2.0 ** min(failures - 1, 32), self.most)
        return full * (0.8 + 0.4 * draw)


class Connection(ClientConnection):
    """Remembers the TLS alert that ended a handshake: with TLS 1.3 a refused certificate shows only afterwards."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        unfinished = self.protocol.handshake_exc
        if unfinished is not None and exc is not None:
            unfinished.__cause__ = exc


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
_UNAUTHORIZED = {401, 403}
_OLD_TLS = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION")
_NO_CIPHER = ("NO_SHARED_CIPHER", "HANDSHAKE_FAILURE", "INSUFFICIENT_SECURITY")
_OUR_CERTIFICATE = ("ALERT_CERTIFICATE", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_UNSUPPORTED_CERTIFICATE")


def explain(endpoint: Endpoint, error: Exception) -> tuple[str, LossCause]:
    """Why there is no connection: what, where, and what to do. Never holds the password."""
    where = f"backend {endpoint.address}"
    tls = _tls_error(error)
    if tls is not None:
        return _tls_refusal(where, tls)
    match error:
        case TrustUnusable():
            return str(error), LossCause.NETWORK
        case InvalidStatus():
            return _status(where, error)
        case InvalidURI():
            return f"{where} is no websocket address: [backend] url begins with ws:// or wss://", LossCause.NETWORK
        case ProxyError():
            text = f"the proxy {endpoint.via} does not connect to {where} ({error}): check [backend] http_proxy"
            return text, LossCause.NETWORK
        case InvalidHandshake():
            hint = " and certificate_file" if endpoint.profile >= CERTIFICATE_PROFILE else ""
            text = f"{where} does not speak websocket as expected ({error}): check [backend] url{hint}"
            return text, LossCause.NETWORK
        case TimeoutError():
            text = f"{where} did not answer within {endpoint.open_timeout:g} s: check network and [backend] url"
            return text, LossCause.NETWORK
        case _:
            what = str(error) or type(error).__name__
            return f"{where} cannot be reached ({what}): check network and [backend] url", LossCause.NETWORK


def _status(where: str, error: InvalidStatus) -> tuple[str, LossCause]:
    status = error.response.status_code
    hint = _HINTS.get(status, "the backend is reachable but not ready; it is tried again")
    if status in range(300, 400):
        target = error.response.headers.get("Location")
        hint = f"it redirects to {target!r}, which is not followed: check [backend] url"
    cause = LossCause.CREDENTIALS if status in _UNAUTHORIZED else LossCause.NETWORK
    return f"{where} answered HTTP {status}: {hint}", cause


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS alert behind an error."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _tls_refusal(where: str, error: ssl.SSLError) -> tuple[str, LossCause]:
    reason = error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        text = (
            f"{where} shows a certificate that is not trusted ({error.verify_message}): check [backend] ca_file, "
            "server_name and this board's clock"
        )
        return text, LossCause.CERTIFICATE
    if any(word in reason for word in _OUR_CERTIFICATE):
        text = f"{where} refused this station's certificate ({reason}): check [backend] certificate_file"
        return text, LossCause.CREDENTIALS
    if any(word in reason for word in _OLD_TLS):
        return f"{where} speaks no TLS that is secure ({reason}): it needs TLS 1.2 or newer", LossCause.TLS_VERSION
    if any(word in reason for word in _NO_CIPHER):
        return f"{where} has no cipher in common ({reason}): it needs one of TLS 1.2 that is secure", LossCause.CIPHER
    return f"{where} does not speak TLS as expected ({reason}): check [backend] url", LossCause.NETWORK

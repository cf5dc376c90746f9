"""The joining side: believes the server first, then tells the secret, then waits for a person as long as it takes."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, cast

import grpc
import grpc.aio
import structlog
from cryptography import x509
from msgspec import Struct

from nodes.bridge import Backoff
from nodes.pairing import certificates as certs
from nodes.pairing.credentials import CHANNEL_OPTIONS
from nodes.pairing.identity import BoardKeys, other_park
from nodes.rpc import pairing_pb2 as pb
from nodes.rpc.pairing_pb2_grpc import PairingStub, RenewalStub
from park.config.board import PAIRING_PORT, JoinSection
from park.config.quantities import Endpoint, endpoint
from park.errors import KeysUnusable, PairingRefused, ParkUnreachable
from park.pairing.fingerprint import words
from park.pairing.token import JoinToken

PATIENCE_SECONDS = 15.0  # for one answer; the server commits before it answers
CONNECT_SECONDS = 5.0  # TCP and TLS in one network
ASK_AGAIN = Backoff(first=2.0, most=10.0)  # while a person is waited for, and while nobody answers
REFUSED_AGAIN_SECONDS = 20.0  # ours: somebody has to do something first
_log = structlog.get_logger("pairing")
OPTIONS = (*CHANNEL_OPTIONS, ("grpc.max_receive_message_length", 65_536))


class JoinProgress(Struct, frozen=True):
    """How joining goes. `park_words`: of the CA that was met, empty before; they stand on the server's list too."""

    state: Literal["unreachable", "refused", "waiting", "paired"]
    text: str
    park_words: str = ""
    retry_seconds: float | None = None


async def join(
    keys: BoardKeys,
    node: str,
    park: str,
    server: Callable[[], Endpoint | None],
    token: Callable[[], JoinToken | None],
    report: Callable[[JoinProgress], None],
    *,
    draw: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Ask until this board is paired; cancel to end. `server` and `token` are asked anew each time.

    `report` is told when something changes: what to write into the log, with the words a person compares.
    """
    tried, told = 0, None
    while True:
        progress = await attempt(keys, node, park, server(), token)
        tried = tried + 1 if told is None or told.state == progress.state else 1
        if progress != told:
            report(progress)
            told = progress
        if progress.state == "paired":
            return
        await sleep(_pause(progress, tried, draw()))


async def attempt(
    keys: BoardKeys, node: str, park: str, server: Endpoint | None, token: Callable[[], JoinToken | None]
) -> JoinProgress:
    """One request to join; what goes wrong is in the progress."""
    if server is None:
        return JoinProgress("unreachable", f"no server of park {park} is known yet")
    try:
        return await _ask(keys, node, park, server, token())
    except ParkUnreachable as error:
        return JoinProgress("unreachable", str(error))
    except (PairingRefused, KeysUnusable) as error:
        return JoinProgress("refused", str(error))


def _pause(progress: JoinProgress, tried: int, draw: float) -> float:
    if progress.state == "refused":
        return max(progress.retry_seconds or REFUSED_AGAIN_SECONDS, ASK_AGAIN.first) * (1.0 + draw) / 2.0 + 0.5
    return ASK_AGAIN.delay(tried, draw)


async def _ask(keys: BoardKeys, node: str, park: str, server: Endpoint, token: JoinToken | None) -> JoinProgress:
    leaf = await presented_certificate(server)
    if not certs.may_serve(leaf):
        raise PairingRefused(f"{server}: what answers there is not the server of a charging park")
    credentials = grpc.ssl_channel_credentials(certs.pem(leaf))  # this very certificate, and no other
    async with grpc.aio.secure_channel(str(server), credentials, options=OPTIONS) as channel:
        stub = PairingStub(channel)
        try:
            shown = await stub.GetAuthority(pb.GetAuthorityRequest(), timeout=PATIENCE_SECONDS)
            authority = _believed(shown, leaf, park, keys, token)
            request = pb.JoinRequest(
                node=node,
                signing_request_pem=keys.signing_request(node),
                secret=None if token is None else token.secret,
            )
            answer = await stub.Join(request, timeout=PATIENCE_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _unreachable(server, error) from error
    return _progress(keys, node, authority, answer)


def _believed(
    shown: pb.Authority, leaf: x509.Certificate, park: str, keys: BoardKeys, token: JoinToken | None
) -> x509.Certificate:
    """The CA that was shown, if it is the one this board may believe; nothing was told to the server until here."""
    try:
        authority = x509.load_pem_x509_certificate(shown.certificate_pem)
    except ValueError as error:
        raise PairingRefused("the server shows no certificate of its park") from error
    fingerprint = certs.key_fingerprint(authority)
    if not certs.is_issued_by(leaf, authority):
        raise PairingRefused("the server is not of the park whose certificate it shows; somebody may be in between")
    if token is not None and token.authority != fingerprint:
        raise PairingRefused(
            f"the join token is of park {words(token.authority)}, but the server that was found is of "
            f"{words(fingerprint)}; somebody may be in between: the secret was not told"
        )
    if keys.known_authority() not in {None, fingerprint}:
        raise PairingRefused(other_park(keys.directory))
    if shown.park != park:
        raise PairingRefused(f"the server leads park {shown.park[:40]!r}, and [server] park is {park!r}; correct one")
    return authority


def _progress(keys: BoardKeys, node: str, authority: x509.Certificate, answer: pb.JoinResponse) -> JoinProgress:
    park_words = words(certs.key_fingerprint(authority))
    match answer.WhichOneof("outcome"):
        case "certificate":
            member = keys.accept(answer.certificate.certificate_pem, authority, node)
            return JoinProgress("paired", f"paired with park {member.park} as {member.node}", park_words)
        case "pending":
            reason = f"{answer.pending.reason}; " if answer.pending.reason else ""
            text = f"{reason}compare the words of board and park with `chargepark pair list` on the server, and approve"
            return JoinProgress("waiting", text, park_words)
        case "refused":
            retry = answer.refused.retry_seconds if answer.refused.HasField("retry_seconds") else None
            return JoinProgress("refused", answer.refused.reason, park_words, retry)
        case _:
            raise PairingRefused("the server answers in a way this version does not know; update this board")


async def presented_certificate(server: Endpoint) -> x509.Certificate:
    """The certificate a TLS server shows, believed by nobody yet. Raises ParkUnreachable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what is shown here is checked against the CA, before anything is told
    context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(server.host, server.port, ssl=context)
            try:
                tls = cast("ssl.SSLObject", writer.get_extra_info("ssl_object"))
                shown = tls.getpeercert(binary_form=True)
            finally:
                writer.transport.abort()
        return x509.load_der_x509_certificate(shown or b"")
    except (OSError, TimeoutError, ValueError) as error:
        raise ParkUnreachable(
            f"no server takes boards at {server} ({_short(error)}); is pairing open there, and is this its "
            "[listen] pairing?"
        ) from error


def pairing_endpoint(section: JoinSection, found: Endpoint | None) -> Endpoint | None:
    """Where to ask: as the file says, else on the usual port of the server the file names or discovery found."""
    if section.pairing_address:
        return endpoint(section.pairing_address)
    server = endpoint(section.address) if section.address else found
    return None if server is None else Endpoint(server.host, PAIRING_PORT)


def log_progress(keys: BoardKeys, node: str) -> Callable[[JoinProgress], None]:
    """A `report` that writes what a person at this board has to compare or to mend."""

    def report(progress: JoinProgress) -> None:
        tell = _log.info if progress.state == "paired" else _log.warning
        shown = {"board_words": keys.words, "park_words": progress.park_words or "not met yet"}
        tell("joining", state=progress.state, board=node, text=progress.text, **shown)

    return report


async def renew_if_due(keys: BoardKeys, node: str, channel: grpc.aio.Channel, wall: datetime) -> bool:
    """To be called on every connection and once a day; whether there is a new certificate for new connections."""
    if not keys.renewal_is_due(wall):
        return False
    await renew(keys, node, channel)
    return True


async def renew(keys: BoardKeys, node: str, channel: grpc.aio.Channel) -> None:
    """A new certificate over the boards' port; new connections use it. Raises ParkUnreachable, PairingRefused."""
    request = pb.RenewRequest(signing_request_pem=keys.signing_request(node))
    try:
        answer = await RenewalStub(channel).Renew(request, timeout=PATIENCE_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            raise ParkUnreachable(f"the certificate was not renewed: {error.details()}") from error
        raise PairingRefused(f"the certificate was not renewed: {error.details()}") from error
    keys.accept(answer.certificate_pem, keys.authority(), node)


def _unreachable(server: Endpoint, error: grpc.aio.AioRpcError) -> ParkUnreachable:
    return ParkUnreachable(f"{server} does not answer requests to join: {error.details() or error.code().name}")


def _short(error: Exception) -> str:
    return str(error) or type(error).__name__

"""gRPC `Pairing` for boards that want to join, and `Renewal` for boards of the park."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never

import grpc
import grpc.aio
import structlog
from cryptography import x509

from actors.address import Address
from actors.messages import EnrolmentMessage
from nodes.bridge import ask
from nodes.pairing import certificates as certs
from nodes.pairing.admission import AdmittedBoards
from nodes.pairing.authority import Authority
from nodes.rpc import pairing_pb2 as pb
from nodes.rpc.pairing_pb2_grpc import PairingServicer, RenewalServicer
from park.model.time import Now
from park.pairing.events import (
    Admitted,
    CertificateIssued,
    JoinAnswer,
    JoinPending,
    JoinRefused,
    JoinRequested,
)
from park.pairing.fingerprint import words

ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full
NOTED = 256  # outcomes remembered, so that a board that asks again and again is logged once
Context = grpc.aio.ServicerContext[Any, Any]
_log = structlog.get_logger("pairing")


class CertificateDesk:
    """Signs for whom the enrolment admitted, and tells it the serial."""

    def __init__(self, authority: Authority, enrolment: Address[EnrolmentMessage], now: Callable[[], Now]) -> None:
        self.authority = authority
        self._enrolment, self._now = enrolment, now

    async def decision(self, make_request: Callable[[Address[JoinAnswer]], EnrolmentMessage]) -> JoinAnswer:
        """The enrolment's answer; raises TimeoutError."""
        return await ask(self._enrolment, make_request, ANSWER_SECONDS)

    def issue(self, request: x509.CertificateSigningRequest, node: str) -> pb.Certificate:
        """Call only for a key that is admitted as `node`."""
        made = self.authority.issue(request, node, self._now().wall)
        serial, until = f"{made.serial_number:x}", made.not_valid_after_utc
        self._enrolment.tell(CertificateIssued(certs.key_fingerprint(request), serial, until))
        return pb.Certificate(certificate_pem=certs.pem(made), authority_pem=self.authority.pem)


class PairingService(PairingServicer):
    """For strangers: it shows the CA, and passes each request on to the enrolment."""

    def __init__(self, desk: CertificateDesk) -> None:
        self._desk = desk
        self._noted: dict[tuple[str, str], str] = {}

    async def GetAuthority(self, request: pb.GetAuthorityRequest, context: Context) -> pb.Authority:  # noqa: ARG002, N802
        return pb.Authority(park=self._desk.authority.park, certificate_pem=self._desk.authority.pem)

    async def Join(self, request: pb.JoinRequest, context: Context) -> pb.JoinResponse:  # noqa: N802
        signing_request = await _signing_request(request.signing_request_pem, context)
        fingerprint = certs.key_fingerprint(signing_request)
        secret = request.secret if request.HasField("secret") else None
        peer = _host(context.peer())
        try:
            answer = await self._desk.decision(
                lambda reply: JoinRequested(request.node, fingerprint, secret, peer, reply)
            )
        except TimeoutError:
            answer = JoinRefused("the server does not answer", ANSWER_SECONDS)
        self._note(request.node, fingerprint, peer, answer)
        match answer:
            case Admitted(node):
                return pb.JoinResponse(certificate=self._desk.issue(signing_request, node))
            case JoinPending(reason):
                return pb.JoinResponse(pending=pb.Pending(reason=reason))
            case JoinRefused(reason, retry_seconds):
                return pb.JoinResponse(refused=pb.Refused(reason=reason, retry_seconds=retry_seconds))

    def _note(self, node: str, fingerprint: str, peer: str, answer: JoinAnswer) -> None:
        """Log what is new: strangers choose how often they ask, and a log must not fill the disk."""
        outcome = answer.reason if isinstance(answer, JoinRefused | JoinPending) else ""
        key = (node, fingerprint)
        if self._noted.get(key) == f"{type(answer).__name__} {outcome}":
            return
        if len(self._noted) >= NOTED:
            del self._noted[next(iter(self._noted))]
        self._noted[key] = f"{type(answer).__name__} {outcome}"
        told = {"board": node[:40], "words": words(fingerprint), "peer": peer}
        match answer:
            case Admitted():
                _log.info("board gets a certificate", **told)
            case JoinPending(reason):
                _log.warning("board waits for a person: compare its words, then chargepark pair approve", **told)
            case JoinRefused(reason):
                _log.warning("board refused", reason=reason, **told)


class RenewalService(RenewalServicer):
    """For boards of the park, on their own port."""

    def __init__(self, desk: CertificateDesk, admitted: AdmittedBoards) -> None:
        self._desk, self._admitted = desk, admitted

    async def Renew(self, request: pb.RenewRequest, context: Context) -> pb.Certificate:  # noqa: N802
        async with self._admitted.calling(context) as board:
            signing_request = await _signing_request(request.signing_request_pem, context)
            if certs.key_fingerprint(signing_request) != board.fingerprint:
                await _refuse(context, "a renewal is for the key the board is paired with; a new key is paired anew")
            return self._desk.issue(signing_request, board.node)


async def _signing_request(pem: bytes, context: Context) -> x509.CertificateSigningRequest:
    try:
        return certs.read_signing_request(pem)
    except ValueError as wrong:
        return await _refuse(context, str(wrong))


async def _refuse(context: Context, reason: str) -> Never:
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)
    raise AssertionError("abort raises")


def _host(peer: str) -> str:
    """`ipv4:192.0.2.7:41234` without the port, which is another one for each connection."""
    return peer.rpartition(":")[0] or peer

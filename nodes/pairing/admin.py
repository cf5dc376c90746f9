"""gRPC `PairingAdmin`: what people order about boards that join and leave."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from actors.address import Address
from actors.messages import EnrolmentMessage
from nodes.bridge import ask
from nodes.pairing.authority import Authority
from nodes.rpc import pairing_pb2 as pb
from nodes.rpc.pairing_pb2_grpc import PairingAdminServicer, add_PairingAdminServicer_to_server
from park.model.access import Done, Refused
from park.pairing.events import (
    AnswersList,
    AnswersOrder,
    ApproveRequest,
    ClosePairing,
    ListPairing,
    MakeToken,
    OpenPairing,
    PairingListed,
    RejectRequest,
    RevokeBoard,
)
from park.pairing.token import SECRET_BYTES, JoinToken, digest

ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full
Context = grpc.aio.ServicerContext[Any, Any]


def pairing_service(authority: Authority, enrolment: Address[EnrolmentMessage]) -> Callable[[grpc.aio.Server], None]:
    """For `AdminServer`."""

    def add(server: grpc.aio.Server) -> None:
        add_PairingAdminServicer_to_server(PairingAdminService(authority, enrolment), server)

    return add


class PairingAdminService(PairingAdminServicer):
    """Orders of people, each answered when it is on disk."""

    def __init__(self, authority: Authority, enrolment: Address[EnrolmentMessage]) -> None:
        self._authority, self._enrolment = authority, enrolment

    async def ListPairing(self, request: pb.ListPairingRequest, context: Context) -> pb.PairingState:  # noqa: ARG002, N802
        def question(reply: AnswersList) -> ListPairing:
            return ListPairing(reply)

        try:
            listed: PairingListed = await ask(self._enrolment, question, ANSWER_SECONDS)
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is busy; ask again")
            raise
        return _state(self._authority, listed)

    async def OpenPairing(self, request: pb.OpenPairingRequest, context: Context) -> pb.Ordered:  # noqa: N802
        return await self._order(context, lambda reply: OpenPairing(_new_id(), request.seconds, reply))

    async def ClosePairing(self, request: pb.ClosePairingRequest, context: Context) -> pb.Ordered:  # noqa: ARG002, N802
        return await self._order(context, lambda reply: ClosePairing(_new_id(), reply))

    async def MakeToken(self, request: pb.MakeTokenRequest, context: Context) -> pb.MadeToken:  # noqa: N802
        secret = secrets.token_bytes(SECRET_BYTES)
        await self._order(
            context,
            lambda reply: MakeToken(_new_id(), request.node, digest(secret), request.seconds, request.replace, reply),
        )
        return pb.MadeToken(token=JoinToken(self._authority.fingerprint, secret).text())

    async def ApproveBoard(self, request: pb.ApproveBoardRequest, context: Context) -> pb.Ordered:  # noqa: N802
        return await self._order(
            context,
            lambda reply: ApproveRequest(_new_id(), request.node, request.fingerprint, request.replace, reply),
        )

    async def RejectBoard(self, request: pb.RejectBoardRequest, context: Context) -> pb.Ordered:  # noqa: N802
        return await self._order(
            context, lambda reply: RejectRequest(_new_id(), request.node, request.fingerprint, reply)
        )

    async def RevokeBoard(self, request: pb.RevokeBoardRequest, context: Context) -> pb.Ordered:  # noqa: N802
        return await self._order(context, lambda reply: RevokeBoard(_new_id(), request.node, reply))

    async def _order(self, context: Context, make: Callable[[AnswersOrder], EnrolmentMessage]) -> pb.Ordered:
        try:
            answer: Done | Refused = await ask(self._enrolment, make, ANSWER_SECONDS)
        except TimeoutError:
            text = "the server did not answer in time; ask for the list to see whether it was done"
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
            raise
        if isinstance(answer, Refused):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, answer.reason)
        return pb.Ordered()


def _new_id() -> str:
    return uuid.uuid4().hex


def _state(authority: Authority, listed: PairingListed) -> pb.PairingState:
    return pb.PairingState(
        park=authority.park,
        authority_fingerprint=authority.fingerprint,
        open_seconds=listed.open_seconds,
        pending=[
            pb.PendingBoard(node=each.node, fingerprint=each.fingerprint, peer=each.peer, since=_stamp(each.since))
            for each in listed.pending
        ],
        boards=[
            pb.PairedBoard(
                node=each.node,
                fingerprint=each.fingerprint,
                since=_stamp(each.since),
                why=each.why,
                serial=each.serial,
                until=None if each.until is None else _stamp(each.until),
                revoked_at=None if each.revoked_at is None else _stamp(each.revoked_at),
            )
            for each in listed.boards
        ],
        tokens=[
            pb.JoinToken(node=each.node, replace=each.replace, expires=_stamp(each.expires)) for each in listed.tokens
        ],
    )


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp

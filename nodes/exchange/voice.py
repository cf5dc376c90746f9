"""gRPC `Servers`: a server of the park tells another one its voice, over TLS of the park's CA on both sides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import grpc
import grpc.aio

from nodes.pairing import certificates as certs
from nodes.pairing.admission import peer_identity
from nodes.pairing.credentials import CHANNEL_OPTIONS, peer_credentials
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc.exchange_pb2_grpc import ServersServicer, ServersStub
from park.config.quantities import Endpoint
from park.load.rivalry import OtherServer, Standing, StandingReported, Voice

ANSWER_SECONDS = 2.0  # within one network, with the handshake
OPTIONS = (*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
Context = grpc.aio.ServicerContext[pb.GetVoiceRequest, pb.ServerVoice]


class VoiceService(ServersServicer):
    """`newest`: what the coordinator said last, None before it said anything."""

    def __init__(self, node: str, newest: Callable[[], StandingReported | None]) -> None:
        self._node, self._newest = node, newest

    async def GetVoice(self, request: pb.GetVoiceRequest, context: Context) -> pb.ServerVoice:  # noqa: ARG002, N802
        identity = peer_identity(context)
        if identity is None or identity.role != certs.SERVER:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this is no server of the park")
        report = self._newest()
        if report is None:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is just starting")
            raise AssertionError("abort raises")
        voice, leads = report.voice, report.standing is Standing.LEADS
        return pb.ServerVoice(node=self._node, epoch=voice.epoch, server_id=voice.server_id, leads=leads)


async def ask_voice(data_dir: Path, place: Endpoint) -> OtherServer | None:
    """Which server of the park answers there, by its own word; None: none that would say.

    Whoever stands between passes the question on and cannot change the answer. Raises KeysUnusable.
    """
    async with grpc.aio.secure_channel(str(place), peer_credentials(data_dir), options=OPTIONS) as channel:
        try:
            told = await ServersStub(channel).GetVoice(pb.GetVoiceRequest(), timeout=ANSWER_SECONDS)
        except grpc.aio.AioRpcError:
            return None
    return OtherServer(told.node, str(place), Voice(told.epoch, told.server_id), told.leads)

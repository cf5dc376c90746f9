"""The port client boards connect to: one stream each, mutual TLS, and nothing without a certificate of the park."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from actors.address import Address
from actors.messages import BoardLinkMessage, ExchangeMessage
from nodes.bridge import Outbox
from nodes.energy.server import health_service
from nodes.exchange.stream import MOST_BYTES, Streams
from nodes.exchange.voice import VoiceService
from nodes.pairing.admission import AdmittedBoards, BoardsOnly, peer_identity
from nodes.pairing.service import RenewalService
from nodes.rpc import exchange_pb2, pairing_pb2
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc.exchange_pb2_grpc import (
    ExchangeServicer,
    add_ExchangeServicer_to_server,
    add_ServersServicer_to_server,
)
from nodes.rpc.pairing_pb2_grpc import add_RenewalServicer_to_server
from park.config.quantities import Endpoint
from park.errors import AddressUnusable

SERVICE = exchange_pb2.DESCRIPTOR.services_by_name["Exchange"].full_name
GET_VOICE = f"/{exchange_pb2.DESCRIPTOR.services_by_name['Servers'].full_name}/GetVoice"
RENEWAL = pairing_pb2.DESCRIPTOR.services_by_name["Renewal"].full_name
OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise a second process shares a used port silently
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_concurrent_streams", 8),  # a connection of one board: its stream, health, reflection
    ("grpc.server_handshake_timeout_ms", 5_000),  # as long as a board waits; who only opens connections keeps none
)


class _Service(ExchangeServicer):
    """Behind `BoardsOnly`: whoever calls is an admitted board."""

    def __init__(self, link_of: Callable[[str], Address[BoardLinkMessage]]) -> None:
        self._link_of = link_of
        self.streams = Streams()

    async def Connect(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride] - it writes by itself
        self, request_iterator: AsyncIterator[pb.Frame], context: grpc.aio.ServicerContext[pb.Frame, pb.Frame]
    ) -> None:
        identity = peer_identity(context)
        if identity is None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this is no board of the park; pair it first")
            return
        link = self._link_of(identity.node)
        reason = await self.streams.run(link, context.peer() or "", request_iterator, context.write)
        await context.abort(grpc.StatusCode.ABORTED, reason)


class ExchangeServer:
    """Made on the event loop; listens from construction on, answers between `start` and `stop`.

    `link_of`: the link of a board that proved to be of the park. `voice`: for other servers of it.
    Raises AddressUnusable for a port in use.
    """

    def __init__(
        self,
        where: Endpoint,
        credentials: grpc.ServerCredentials,
        admitted: AdmittedBoards,
        renewal: RenewalService,
        link_of: Callable[[str], Address[BoardLinkMessage]],
        orders: Outbox[ExchangeMessage],
        voice: VoiceService,
    ) -> None:
        self._server = grpc.aio.server(options=OPTIONS, interceptors=(BoardsOnly(admitted, (GET_VOICE,)),))
        self._service = _Service(link_of)
        self._orders = orders
        self._obeying: asyncio.Task[None] | None = None
        self._health = health_service()
        add_ExchangeServicer_to_server(self._service, self._server)
        add_RenewalServicer_to_server(renewal, self._server)
        add_ServersServicer_to_server(voice, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(  # pyright: ignore[reportUnknownMemberType] - no types
            self._health, self._server
        )
        names = (SERVICE, RENEWAL, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        try:
            self.port = self._server.add_secure_port(str(where), credentials)
        except RuntimeError as error:
            raise AddressUnusable(
                f"[listen] boards: cannot listen on {where}: the port is in use or the address is not of this machine; "
                "change it or stop the program that uses it"
            ) from error

    async def start(self) -> None:
        self._obeying = asyncio.create_task(self._service.streams.obey(self._orders), name="exchange orders")
        await self._server.start()
        for name in (SERVICE, RENEWAL, ""):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float = 0.5) -> None:
        """Take no more boards, and end the streams, which never end by themselves; `grace` lets the last frames out."""
        await self._health.enter_graceful_shutdown()
        stopping = asyncio.create_task(self._server.stop(grace), name="stop the boards' port")
        await asyncio.sleep(0)
        self._service.streams.end("the server is stopping")
        await stopping
        if self._obeying is not None:
            self._obeying.cancel()
            await asyncio.gather(self._obeying, return_exceptions=True)

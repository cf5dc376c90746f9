"""The gRPC ports for energy managers: the service, health and reflection, on loopback or behind mutual TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Protocol, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nodes.energy.messages import MessageService
from nodes.energy.service import PACE_SECONDS, EnergyService, Writing
from nodes.ocpp.recent import RecentMessages
from nodes.rpc import energy_pb2, messages_pb2
from nodes.rpc.energy_pb2_grpc import add_EnergyManagerServicer_to_server
from nodes.rpc.messages_pb2_grpc import add_BackendMessagesServicer_to_server
from nodes.view import ViewStore
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.model.time import Now

SERVICE = energy_pb2.DESCRIPTOR.services_by_name["EnergyManager"].full_name
MESSAGES = messages_pb2.DESCRIPTOR.services_by_name["BackendMessages"].full_name
OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise a second process shares a used port silently
    ("grpc.max_receive_message_length", 65_536),  # requests are empty or nearly so
    ("grpc.max_concurrent_streams", 32),
)


class Health(Protocol):
    """What we use of the library's health service for asyncio, which comes without types."""

    async def set(self, service: str, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None: ...

    async def enter_graceful_shutdown(self) -> None: ...


class EnergyServer:
    """Made on the event loop; listens from construction on, answers between `start` and `stop`.

    With `credentials` it speaks to managers of this park only. Without, everybody on this machine may read: raises
    AddressUnusable for a host that is not loopback. The same for a port in use. `writing`: it takes limits.
    `recent`: it shows what passed between node and backend, to those on this machine only.
    """

    def __init__(
        self,
        where: Endpoint,
        store: ViewStore,
        now: Callable[[], Now],
        pace: float = PACE_SECONDS,
        writing: Writing | None = None,
        credentials: grpc.ServerCredentials | None = None,
        recent: RecentMessages | None = None,
    ) -> None:
        key = "energy" if credentials is None else "energy_tls"
        if credentials is None and not _is_loopback(where.host):
            raise AddressUnusable(
                f"[listen] energy: {where.host} can be reached from outside, and this port asks no reader who it is; "
                "use 127.0.0.1 here, and energy_tls for others"
            )
        self._server = grpc.aio.server(options=OPTIONS)
        self._service = EnergyService(store, now, pace, writing, known_only=credentials is not None)
        self._health = health_service()
        add_EnergyManagerServicer_to_server(self._service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(  # pyright: ignore[reportUnknownMemberType] - no types
            self._health, self._server
        )
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        if recent is not None and credentials is None:
            add_BackendMessagesServicer_to_server(MessageService(recent), self._server)
            names = (*names, MESSAGES)
        reflection.enable_server_reflection(names, self._server)
        try:
            self.port = (
                self._server.add_insecure_port(str(where))
                if credentials is None
                else self._server.add_secure_port(str(where), credentials)
            )
        except RuntimeError as error:
            raise AddressUnusable(
                f"[listen] {key}: cannot listen on {where}: the port is in use or the address is not of this machine; "
                "change it or stop the program that uses it"
            ) from error

    async def start(self) -> None:
        """Begin to answer, and to say so to health checks."""
        await self._server.start()
        for name in (SERVICE, ""):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float = 1.0) -> None:
        """Tell health checks, end the watches, give other calls `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        self._service.close()
        await self._server.stop(grace)


def health_service() -> Health:
    return cast("Health", health.aio.HealthServicer())  # pyright: ignore - no types, and the name is made at run time


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

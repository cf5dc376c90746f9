"""The pairing port: bound while the enrolment wants it, and not there otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio
import structlog

from nodes.bridge import Outbox
from nodes.pairing.service import PairingService
from nodes.rpc.pairing_pb2_grpc import add_PairingServicer_to_server
from park.config.quantities import Endpoint
from park.pairing.events import PairingPortWanted

OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise a second process shares a used port silently
    ("grpc.max_receive_message_length", 16_384),  # a signing request has 500 bytes
    ("grpc.max_concurrent_streams", 4),
    ("grpc.max_connection_idle_ms", 60_000),
    ("grpc.max_connection_age_ms", 600_000),
)
CALLS = 32  # at once; what comes beyond is RESOURCE_EXHAUSTED
GRACE_SECONDS = 1.0  # for an answer that is under way when pairing closes
_log = structlog.get_logger("pairing")


class PairingPort:
    """An edge for `keep_running`: `run` follows `wanted` until it is closed or cancelled.

    `credentials` and `service` are those of this server; a file that closes the port (`where` None) keeps it closed.
    """

    def __init__(
        self,
        where: Endpoint | None,
        credentials: Callable[[], grpc.ServerCredentials],
        service: PairingService,
        wanted: Outbox[PairingPortWanted],
    ) -> None:
        self._where, self._credentials, self._service, self._wanted = where, credentials, service, wanted
        self._open = False
        self._server: grpc.aio.Server | None = None
        self._moved = asyncio.Condition()
        self.port: int | None = None

    async def run(self) -> None:
        """Raises OSError when the port cannot be bound; run again, it tries again."""
        try:
            await self._follow()
            async for wanted in self._wanted:
                self._open = wanted.open
                await self._follow()
        finally:
            await self._close()

    async def opened(self) -> int:
        """Wait until it listens; the port."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.port is not None)
        return self.port or 0

    async def closed(self) -> None:
        """Wait until it does not listen."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.port is None)

    async def _follow(self) -> None:
        if self._open and self._server is None:
            await self._listen()
        elif not self._open:
            await self._close()

    async def _listen(self) -> None:
        if self._where is None:
            _log.error("pairing is open, but [listen] pairing is empty: no board can ask; give it HOST:PORT")
            return
        server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=CALLS)
        add_PairingServicer_to_server(self._service, server)
        try:
            port = server.add_secure_port(str(self._where), self._credentials())
        except RuntimeError as error:
            text = f"[listen] pairing: cannot listen on {self._where}: it is in use or not of this machine; change it"
            _log.error(text)
            raise OSError(text) from error
        await server.start()
        self._server = server
        await self._is_at(port)
        _log.info("pairing is open", address=str(Endpoint(self._where.host, port)))

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        await server.stop(GRACE_SECONDS)
        await self._is_at(None)
        _log.info("pairing is closed")

    async def _is_at(self, port: int | None) -> None:
        async with self._moved:
            self.port = port
            self._moved.notify_all()

"""A TCP proxy whose way to the server can stand still: what is sent meanwhile arrives late; the way back is open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Proxy:
    """`address`: where clients connect. What is on its way when the stall begins may still arrive."""

    def __init__(self, target: str) -> None:
        self.address = ""
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._open = asyncio.Event()
        self._open.set()

    def stall(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            self._open.set()
            server.close()
            await server.wait_closed()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._host, self._port)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._carry(client, to_server, self._open), self._carry(server, to_client))

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: asyncio.Event | None = None
    ) -> None:
        while piece := await source.read(65_536):
            if way is not None:
                await way.wait()
            sink.write(piece)
            await sink.drain()
        sink.close()

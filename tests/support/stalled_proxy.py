"""A TCP proxy whose way to the server can stand still, the way back too: what is sent meanwhile arrives late."""

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
        self._open, self._open_back = asyncio.Event(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.release()

    def stall(self, *, back: bool = False) -> None:
        """Also the way back to the client, if `back`."""
        self._open.clear()
        if back:
            self._open_back.clear()

    def release(self) -> None:
        self._open.set()
        self._open_back.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        try:
            yield self
        finally:
            self.release()
            server.close()
            for each in self._writers:
                each.transport.abort()
            await server.wait_closed()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._host, self._port)
        self._writers |= {to_client, to_server}
        with contextlib.suppress(ConnectionError):
            there = self._carry(client, to_server, self._open)
            await asyncio.gather(there, self._carry(server, to_client, self._open_back))
        for each in (to_client, to_server):
            each.close()
            self._writers.discard(each)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: asyncio.Event) -> None:
        while piece := await source.read(65_536):
            await way.wait()
            sink.write(piece)
            await sink.drain()
        sink.close()

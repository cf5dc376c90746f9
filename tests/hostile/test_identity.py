"""Somebody else connects with our identity, again and again: we come back ever more seldom, and lose nothing by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from nodes.bridge import Outbox, keep_running
from nodes.ocpp.edge import BackendEdge
from nodes.ocpp.endpoint import BackendBackoff, Endpoint
from park.ocpp.link import LinkEvent, LinkLost, LinkOrder, LinkUp

PROTOCOLS = [Subprotocol("ocpp1.6")]
HOUR = 3_600.0
MOST = 45  # connections an hour: doubling from 1 s to 2 min makes 8 in the first four minutes, then 28 or so
IDENTITY = "GARAGE"


class OneEach:
    """A backend that lets the newest connection of an identity take the place of the one before."""

    def __init__(self) -> None:
        self._newest: ServerConnection | None = None
        self.taken = asyncio.Event()

    async def station(self, socket: ServerConnection) -> None:
        before, self._newest = self._newest, socket
        self.taken.set()
        if before is not None:
            await before.close(1008, "connected elsewhere")
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass


@asynccontextmanager
async def contested() -> AsyncGenerator[str]:
    """A backend's URL, and somebody who connects there with our identity whenever we did."""
    backend = OneEach()
    async with serve(backend.station, "127.0.0.1", 0, subprotocols=PROTOCOLS) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        thief = asyncio.create_task(steal(backend, f"{url}/{IDENTITY}"))
        yield url
        thief.cancel()
        await asyncio.gather(thief, return_exceptions=True)


async def steal(backend: OneEach, url: str) -> None:
    while True:
        await backend.taken.wait()
        async with connect(url, subprotocols=PROTOCOLS, proxy=None) as socket:
            backend.taken.clear()
            with suppress(ConnectionClosed):
                await socket.recv()


class Told:
    def __init__(self) -> None:
        self.events: list[LinkEvent] = []

    def tell(self, message: LinkEvent, /) -> None:
        self.events.append(message)


async def test_a_stolen_identity_is_contested_ever_more_seldom(record_property: Callable[[str, object], None]):
    told, orders, pauses = Told(), Outbox[LinkOrder](), list[float]()

    async def pause(seconds: float) -> None:
        """Time passes in figures only; at the end of the hour the edge is told to end."""
        pauses.append(seconds)
        if sum(pauses) >= HOUR:
            orders.close()

    async with contested() as url:
        edge = BackendEdge(Endpoint(url, IDENTITY), told, orders)
        async with asyncio.timeout(60):
            await keep_running("ocpp", edge.run, backoff=BackendBackoff(), sleep=pause, draw=lambda: 0.5)
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 64, 120]
    connections = [event for event in told.events if isinstance(event, LinkUp)]
    lost = [event for event in told.events if isinstance(event, LinkLost)]
    assert len(connections) <= MOST
    assert len(lost) == len(connections)
    assert "connected elsewhere" in lost[0].reason
    record_property("figure", f"S07 identity stolen for an hour: {len(connections)} connections of ours")

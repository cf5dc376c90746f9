"""One open stream of frames between the wire and a link: the same on both ends."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

import structlog

from nodes.bridge import Outbox
from nodes.crash import crash_point, planned
from nodes.crash_kinds import CrossingFacts
from nodes.exchange.codec import decode, encode
from nodes.exchange.shapes import Unreadable
from nodes.rpc import exchange_pb2 as pb
from park.exchange.messages import EndLink, FrameArrived, LinkDown, LinkUp, SendFrame

MOST_BYTES = 4 * 1024 * 1024  # gRPC's own limit; 500 of the largest entries are half of it
_log = structlog.get_logger("exchange")


class Link(Protocol):
    """The end of a link that hears of its connections."""

    def tell(self, message: LinkUp | LinkDown | FrameArrived, /) -> None: ...


class Streams:
    """The open streams of a node; orders of links find theirs by the name of the connection."""

    def __init__(self) -> None:
        self._open: dict[str, asyncio.Queue[SendFrame | EndLink]] = {}
        self._facts = CrossingFacts()

    async def obey(self, orders: Outbox[SendFrame | EndLink]) -> None:
        """Hand orders on until the outbox is closed; those for a stream that is over are gone with it."""
        async for order in orders:
            stream = self._open.get(order.connection)
            if stream is not None:
                stream.put_nowait(order)

    def end(self, reason: str) -> None:
        """End all streams, each after what was ordered before."""
        for connection, orders in self._open.items():
            orders.put_nowait(EndLink(connection, reason))

    async def run(
        self,
        link: Link,
        peer: str,
        frames: AsyncIterable[pb.Frame],
        write: Callable[[pb.Frame], Awaitable[object]],
    ) -> str:
        """Carry frames both ways until either side ends it; returns why. What the wire raises is told to the link."""
        connection = uuid.uuid4().hex
        orders: asyncio.Queue[SendFrame | EndLink] = asyncio.Queue()
        self._open[connection] = orders
        reason = "the other side ended the stream"
        link.tell(LinkUp(connection, peer))
        reading = asyncio.create_task(_read(connection, link, frames, self._facts), name="read frames")
        writing = asyncio.create_task(_write(orders, write, self._facts), name="write frames")
        try:
            done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            if reading in done:
                reading.result()
            if writing in done:
                reason = writing.result()
        except asyncio.CancelledError:
            reason = "this node is stopping"
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            del self._open[connection]
            reading.cancel()
            writing.cancel()
            link.tell(LinkDown(connection, reason))
            await asyncio.gather(reading, writing, return_exceptions=True)
        return reason


async def _read(connection: str, link: Link, frames: AsyncIterable[pb.Frame], facts: CrossingFacts) -> None:
    async for message in frames:
        try:
            frame, problems = decode(message)
        except Unreadable as error:
            _log.warning("a frame was left out", reason=str(error))
            continue
        for problem in problems:
            _log.warning("an entry of a frame was left out", reason=problem)
        taken = facts.taken(frame) if planned() else ()
        crash_point("before-taken", taken)
        link.tell(FrameArrived(connection, frame))
        crash_point("after-taken", taken)


async def _write(
    orders: asyncio.Queue[SendFrame | EndLink], write: Callable[[pb.Frame], Awaitable[object]], facts: CrossingFacts
) -> str:
    while True:
        order = await orders.get()
        if isinstance(order, EndLink):
            return order.reason
        offered = facts.offered(order.frame) if planned() else ()
        crash_point("before-offer", offered)
        await write(encode(order.frame))
        crash_point("after-offer", offered)

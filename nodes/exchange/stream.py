"""One open stream of frames between the wire and a link: the same on both ends."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

import structlog

from actors.messages import ExchangeMessage
from nodes.bridge import Outbox
from nodes.crash import crash_point, planned
from nodes.crash_kinds import CrossingFacts
from nodes.exchange.codec import decode, encode
from nodes.exchange.shapes import Unreadable
from nodes.rpc import exchange_pb2 as pb
from park.exchange.messages import EndLink, EndLinks, FrameArrived, LinkDown, LinkUp, SendFrame

MOST_BYTES = 4 * 1024 * 1024  # gRPC's own limit; 500 of the largest entries are half of it
LAST_WORDS_SECONDS = 1.0  # ours: an ended stream writes what was ordered before; a wire that takes nothing gets no more
_log = structlog.get_logger("exchange")


class Link(Protocol):
    """The end of a link that hears of its connections."""

    def tell(self, message: LinkUp | LinkDown | FrameArrived, /) -> None: ...


class _Orders:
    """What a link ordered for one stream."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[SendFrame | EndLink] = asyncio.Queue()
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def put(self, order: SendFrame | EndLink) -> None:
        self.waiting.put_nowait(order)
        if isinstance(order, EndLink) and not self._end.done():
            self._end.set_result(order.reason)

    async def overdue(self) -> str:
        """Wait until the stream should have ended long ago: its wire may take nothing any more."""
        reason = await self._end
        await asyncio.sleep(LAST_WORDS_SECONDS)
        return reason


class Streams:
    """The open streams of a node; orders of links find theirs by the name of the connection."""

    def __init__(self) -> None:
        self._open: dict[str, _Orders] = {}
        self._facts = CrossingFacts()

    async def obey(self, orders: Outbox[ExchangeMessage]) -> None:
        """Hand orders on until the outbox is closed; those for a stream that is over are gone with it."""
        await orders.serve(self._hand_on)

    def _hand_on(self, order: ExchangeMessage) -> None:
        if isinstance(order, EndLinks):
            self.end(order.reason)
        elif (stream := self._open.get(order.connection)) is not None:
            stream.put(order)

    def end(self, reason: str) -> None:
        """End all streams, each after what was ordered before, or soon where the wire takes nothing."""
        for connection, orders in self._open.items():
            orders.put(EndLink(connection, reason))

    async def run(
        self,
        link: Link,
        peer: str,
        frames: AsyncIterable[pb.Frame],
        write: Callable[[pb.Frame], Awaitable[object]],
    ) -> str:
        """Carry frames both ways until either side ends it; returns why. What the wire raises is told to the link."""
        connection = uuid.uuid4().hex
        orders = _Orders()
        self._open[connection] = orders
        reason = "the other side ended the stream"
        link.tell(LinkUp(connection, peer))
        reading = asyncio.create_task(_read(connection, link, frames, self._facts), name="read frames")
        writing = asyncio.create_task(_write(orders.waiting, write, self._facts), name="write frames")
        overdue = asyncio.create_task(orders.overdue(), name="end a stuck stream")
        tasks = (reading, writing, overdue)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if reading in done:
                reading.result()
            for task in (writing, overdue):
                if task in done:
                    reason = task.result()
        except asyncio.CancelledError:
            reason = "this node is stopping"
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            del self._open[connection]
            for task in tasks:
                task.cancel()
            link.tell(LinkDown(connection, reason))
            await asyncio.gather(*tasks, return_exceptions=True)
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

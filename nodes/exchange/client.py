"""The client's end of the stream: finds a server, connects with mutual TLS, carries frames until the link ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import grpc
from msgspec import Struct

from actors.messages import ExchangeMessage
from nodes.bridge import Backoff, Outbox
from nodes.exchange.stream import MOST_BYTES, Link, Streams
from nodes.rpc.exchange_pb2_grpc import ExchangeStub

CONNECT_SECONDS = 5.0  # TCP and TLS in one network; a board that does not answer by then is tried again
MOST_DIALLED = 16  # at once: whoever floods the network with announcements makes few connections of ours
SERVER_BACKOFF = Backoff(first=0.3, most=4.0)  # rejoining is wanted within 30 s after a healed network
OPTIONS = (
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.use_local_subchannel_pool", 1),  # each attempt dials anew instead of waiting for gRPC's own backoff
    ("grpc.enable_retries", 0),
)


class ServerUnknown(OSError):
    """No server to connect to yet; the text says what is looked for."""


class Dial(Struct, frozen=True):
    """Where a server is and how to prove who both are. `options`: for the channel, its expected name among them."""

    target: str
    credentials: grpc.ChannelCredentials
    options: tuple[tuple[str, str | int], ...] = ()


class ServerEdge:
    """`places` proposes where to try, or raises OSError: discovery proposes, the certificate decides."""

    def __init__(self, places: Callable[[], Sequence[Dial]], link: Link, orders: Outbox[ExchangeMessage]) -> None:
        self._places, self._link, self._orders = places, link, orders
        self._streams = Streams()
        self._target = ""
        self._connected = asyncio.Event()

    async def obey(self) -> None:
        """Hand the link's orders on; runs beside all attempts."""
        await self._streams.obey(self._orders)

    async def connected(self) -> str:
        """The place of the server, once there is a connection to it."""
        await self._connected.wait()
        return self._target

    async def run(self) -> None:
        """One connection, to its end, which is always an OSError: `keep_running` makes the next."""
        async with _first_of(self._places()) as (target, channel):
            self._target = target
            self._connected.set()
            try:
                call = ExchangeStub(channel).Connect()
                reason = await self._streams.run(self._link, target, call, call.write)
            except grpc.aio.AioRpcError as error:
                raise ConnectionError(f"{target}: {error.details()}") from error
            except asyncio.InvalidStateError as error:  # a write to a call that has just ended
                raise ConnectionError(f"{target}: the stream has ended") from error
            finally:
                self._connected.clear()
        raise ConnectionError(f"{target}: {reason}")


@asynccontextmanager
async def _first_of(places: Sequence[Dial]) -> AsyncGenerator[tuple[str, grpc.aio.Channel]]:
    """The first that proves to be the park's server: who only says so costs no time. Raises ConnectionError."""
    channels = [_channel(dial) for dial in places]
    trying = [asyncio.create_task(_ready(dial.target, each)) for dial, each in zip(places, channels, strict=True)]
    try:
        problems: list[ConnectionError] = []
        for attempt in asyncio.as_completed(trying):
            try:
                target, channel = await attempt
            except ConnectionError as problem:
                problems.append(problem)
                continue
            await _drop(trying, [each for each in channels if each is not channel])
            yield target, channel
            return
        raise ConnectionError("; ".join(sorted(str(problem) for problem in problems)))
    finally:
        await _drop(trying, channels)


async def _drop(trying: list[asyncio.Task[tuple[str, grpc.aio.Channel]]], channels: list[grpc.aio.Channel]) -> None:
    for task in trying:
        task.cancel()
    await asyncio.gather(*trying, return_exceptions=True)
    for channel in channels:
        await channel.close()


def _channel(dial: Dial) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(dial.target, dial.credentials, options=(*OPTIONS, *dial.options))


async def _ready(target: str, channel: grpc.aio.Channel) -> tuple[str, grpc.aio.Channel]:
    """Wait for TLS to stand. Raises ConnectionError at the first failure."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            state = channel.get_state(try_to_connect=True)
            while state is not grpc.ChannelConnectivity.READY:
                if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                    raise ConnectionError(f"{target} takes no connection, or has no certificate of this park's server")
                await channel.wait_for_state_change(state)
                state = channel.get_state(try_to_connect=True)
    except TimeoutError as error:
        raise ConnectionError(f"{target} does not answer") from error
    return target, channel

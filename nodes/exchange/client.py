"""The client's end of the stream: finds a server, connects with mutual TLS, carries frames until the link ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from actors.messages import ExchangeMessage
from nodes.bridge import Backoff, Outbox
from nodes.exchange.stream import MOST_BYTES, Link, Streams
from nodes.rpc.exchange_pb2_grpc import ExchangeStub

CONNECT_SECONDS = 5.0  # TCP and TLS in one network; a board that does not answer by then is tried again
SERVER_BACKOFF = Backoff(first=0.3, most=4.0)  # rejoining is wanted within 30 s after a healed network
OPTIONS = (
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.use_local_subchannel_pool", 1),  # each attempt dials anew instead of waiting for gRPC's own backoff
    ("grpc.enable_retries", 0),
)


class ServerUnknown(OSError):
    """No server to connect to yet; the text says what is looked for."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Where a server is and how to prove who both are. `options`: for the channel, its expected name among them."""

    target: str
    credentials: grpc.ChannelCredentials
    options: tuple[tuple[str, str | int], ...] = ()


class ServerEdge:
    """`next_server` proposes one at each attempt, or raises OSError: discovery proposes, the certificate decides."""

    def __init__(self, next_server: Callable[[], Dial], link: Link, orders: Outbox[ExchangeMessage]) -> None:
        self._next_server, self._link, self._orders = next_server, link, orders
        self._streams = Streams()

    async def obey(self) -> None:
        """Hand the link's orders on; runs beside all attempts."""
        await self._streams.obey(self._orders)

    async def run(self) -> None:
        """One connection, to its end, which is always an OSError: `keep_running` makes the next."""
        dial = self._next_server()
        channel = grpc.aio.secure_channel(dial.target, dial.credentials, options=(*OPTIONS, *dial.options))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await _connected(channel, dial.target)
            call = ExchangeStub(channel).Connect()
            reason = await self._streams.run(self._link, dial.target, call, call.write)
            raise ConnectionError(f"{dial.target}: {reason}")
        except TimeoutError as error:
            raise ConnectionError(f"{dial.target} does not answer") from error
        except grpc.aio.AioRpcError as error:
            raise ConnectionError(f"{dial.target}: {error.details()}") from error
        except asyncio.InvalidStateError as error:  # a write to a call that has just ended
            raise ConnectionError(f"{dial.target}: the stream has ended") from error
        finally:
            await channel.close()


async def _connected(channel: grpc.aio.Channel, target: str) -> None:
    """Wait for TLS to stand. Raises ConnectionError at the first failure: another place may be the server."""
    state = channel.get_state(try_to_connect=True)
    while state is not grpc.ChannelConnectivity.READY:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            raise ConnectionError(f"{target} takes no connection, or shows no certificate of this park's server")
        await channel.wait_for_state_change(state)
        state = channel.get_state(try_to_connect=True)

"""Messages a second from board to server: one by one over plain gRPC, and through the exchange, in the same run.

The server's end is a process of its own; mutual TLS with the certificates of a park. Each message is a connector
status, encoded and decoded by the same codec. Unbatched is what a program without the exchange does: a call for each
message, and the next when it is answered. Beside it the same frame by frame in one stream, with and without answers.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio

from actors.address import Nowhere
from actors.board_link import BoardLink, BoardLinkWires
from actors.messages import ExchangeMessage
from actors.remote import Returns
from actors.server_link import ServerLink, ServerLinkWires
from actors.supervisor import Supervisor
from benchmarks.garage import InstantDisk
from benchmarks.spread import Spread
from benchmarks.table import Table, ratio
from nodes.bridge import Outbox, on_loop
from nodes.exchange.client import Dial, ServerEdge
from nodes.exchange.codec import decode, encode
from nodes.exchange.server import ExchangeServer
from nodes.exchange.voice import VoiceService
from nodes.field import ThreadWorld, clock
from nodes.pairing import certificates as certs
from nodes.pairing.admission import AdmittedBoards
from nodes.pairing.authority import open_authority
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials, server_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.service import CertificateDesk, RenewalService
from nodes.rpc import exchange_pb2 as pb
from nodes.rpc.exchange_pb2_grpc import ExchangeServicer, ExchangeStub, add_ExchangeServicer_to_server
from park.config.quantities import Endpoint
from park.exchange import board_link
from park.exchange.board_link import ServerFacts
from park.exchange.server_link import BoardSettings, LinkReported
from park.exchange.session import Entry, Frame
from park.model.access import ConnectorStatus, ConnectorStatusChanged
from park.model.placement import Placed
from park.pairing.events import BoardsAdmitted

PARK, NODE = "measured", "bay-0"
ROUNDS = 2_000
STREAMED = 10_000
EXCHANGED = 100_000
LOCAL = Endpoint("127.0.0.1", 0)
UNARY = "/measured.Plain/Tell"  # not of the product: what a program without the exchange would have


@dataclass(frozen=True, slots=True)
class Row:
    """`seconds`: of each round trip, where there are any."""

    way: str
    messages_per_second: float
    seconds: Spread = Spread.of(())


def run(rounds: int = ROUNDS, streamed: int = STREAMED, exchanged: int = EXCHANGED) -> list[Row]:
    """The reference first: a call a message."""
    return asyncio.run(_run(rounds, streamed, exchanged))


def report(*, quick: bool) -> Table:
    rows = run(50, 200, 1_000) if quick else run()
    reference = rows[0].messages_per_second
    return Table(
        "Exchange between boards",
        ("board to server, two processes", "messages/s", "× a call a message", "p50 ms", "p99 ms"),
        tuple(_cells(row, reference) for row in rows),
        "p50, p99: of a round trip, where each message is answered before the next.",
    )


def _cells(row: Row, reference: float) -> tuple[str, ...]:
    times = (
        ("", "")
        if not row.seconds.count
        else tuple(f"{1000 * each:.2f}" for each in (row.seconds.p50, row.seconds.p99))
    )
    return row.way, f"{row.messages_per_second:,.0f}", ratio(row.messages_per_second, reference, 1), *times


def round_trips(rounds: int = ROUNDS) -> Spread:
    """Seconds of plain gRPC calls with mutual TLS between two processes: what one crossing there and back costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return asyncio.run(_called(folder, _member(folder), rounds)).seconds


async def _run(rounds: int, streamed: int, exchanged: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = _member(folder)
        return [
            await _called(folder, keys, rounds),
            await _answered(folder, keys, rounds),
            await _streamed(folder, keys, streamed),
            await _exchanged(folder, keys, exchanged),
        ]


def _member(folder: Path) -> BoardKeys:
    authority = open_authority(folder / "server", PARK, "server", clock.now().wall)
    keys = BoardKeys(folder / NODE)
    made = authority.issue(certs.read_signing_request(keys.signing_request(NODE)), NODE, clock.now().wall)
    keys.accept(certs.pem(made), authority.certificate, NODE)
    return keys


def _message(number: int) -> ConnectorStatusChanged:
    """Every one counts: none takes the place of another that waits."""
    return ConnectorStatusChanged(1, ConnectorStatus.CHARGING, "NoError", f"number {number}", datetime.now(UTC))


def _single(number: int) -> pb.Frame:
    now = time.monotonic()
    return encode(Frame(number, 0, now, None, None, (Entry("", now, _message(number)),)))


# ------------------------------------------------------------ the board's end, in this process


async def _called(folder: Path, keys: BoardKeys, rounds: int) -> Row:
    async with _other_end(_serve_plain, folder, 1) as (port, _), _channel(keys, port) as channel:
        call = cast("Any", channel.unary_unary(UNARY, pb.Frame.SerializeToString, pb.Frame.FromString))
        await call(_single(1))
        taken: list[float] = []
        began = _begin()
        for number in range(1, rounds + 1):
            at = time.perf_counter()
            await call(_single(number))
            taken.append(time.perf_counter() - at)
        seconds = time.perf_counter() - began
    return Row("plain gRPC, a call a message", rounds / seconds, Spread.of(taken))


async def _answered(folder: Path, keys: BoardKeys, rounds: int) -> Row:
    async with _other_end(_serve_plain, folder, 1) as (port, _), _channel(keys, port) as channel:
        call = ExchangeStub(channel).Connect()
        taken: list[float] = []
        began = _begin()
        for number in range(1, rounds + 1):
            at = time.perf_counter()
            await call.write(_single(number))
            await call.read()
            taken.append(time.perf_counter() - at)
        seconds = time.perf_counter() - began
        call.cancel()
    return Row("one stream, each message answered", rounds / seconds, Spread.of(taken))


async def _streamed(folder: Path, keys: BoardKeys, count: int) -> Row:
    async with _other_end(_serve_plain, folder, count) as (port, _), _channel(keys, port) as channel:
        call = ExchangeStub(channel).Connect()
        began = _begin()
        for number in range(1, count + 1):
            await call.write(_single(number))
        await call.read()
        seconds = time.perf_counter() - began
        call.cancel()
    return Row("one stream, a frame a message, none answered", count / seconds)


async def _exchanged(folder: Path, keys: BoardKeys, count: int) -> Row:
    """From the actor of the link on the board to the actor of the link on the server, and who it tells."""
    loop, up, world = asyncio.get_running_loop(), asyncio.Event(), ThreadWorld()
    orders: Outbox[ExchangeMessage] = Outbox()
    root, nowhere = Supervisor(world, "board"), Nowhere()
    shown = _Told(lambda message: isinstance(message, LinkReported) and message.state == "up", 1, loop, up)
    wires = ServerLinkWires(orders, {}, {}, nowhere, nowhere, InstantDisk(), shown, nowhere, nowhere)
    settings = BoardSettings(PARK, NODE, "1", "boot", "journal", ())
    link = root.child("server-link", lambda me: ServerLink(world, me, settings, wires))
    async with _other_end(_serve_exchange, folder, count) as (port, server):
        dial = Dial(f"127.0.0.1:{port}", channel_credentials(keys.directory), CHANNEL_OPTIONS)
        edge = ServerEdge(lambda: [dial], link, orders)
        root.start()
        tasks = [asyncio.create_task(edge.obey()), asyncio.create_task(edge.run())]
        await up.wait()
        began = _begin()

        def tell_all() -> None:
            for number in range(count):
                link.tell(_message(number))

        await asyncio.to_thread(tell_all)
        ended: float = await asyncio.to_thread(server.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(root.stop)
        world.close()
    return Row("exchange, actor to actor", count / (ended - began))


@asynccontextmanager
async def _channel(keys: BoardKeys, port: int) -> AsyncGenerator[grpc.aio.Channel]:
    credentials = channel_credentials(keys.directory)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=CHANNEL_OPTIONS) as channel:
        await channel.channel_ready()
        yield channel


class _Told:
    """Sets `event` of the loop at the `count`-th message that suits."""

    def __init__(
        self, suits: Callable[[object], bool], count: int, loop: asyncio.AbstractEventLoop, event: asyncio.Event
    ) -> None:
        self._suits, self._left, self._loop, self._event = suits, count, loop, event

    def tell(self, message: object, /) -> None:
        if self._suits(message):
            self._left -= 1
            if not self._left:
                on_loop(self._loop, self._event.set)


def _begin() -> float:
    gc.collect()
    return time.perf_counter()


# ------------------------------------------------------------ the server's end, in a process of its own

Serve = Callable[[Path, int, Connection], Coroutine[Any, Any, None]]


@asynccontextmanager
async def _other_end(serve: Serve, folder: Path, count: int) -> AsyncGenerator[tuple[int, Connection]]:
    """Its port, and a pipe to it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_other_process, args=(serve, folder, count, there), daemon=True)
    process.start()
    try:
        yield await asyncio.to_thread(here.recv), here
    finally:
        here.send("end")
        await asyncio.to_thread(process.join)


def _other_process(serve: Serve, folder: Path, count: int, pipe: Connection) -> None:
    asyncio.run(serve(folder, count, pipe))


class _Plain(ExchangeServicer):
    """Reads each message, and answers every `each`-th."""

    def __init__(self, each: int) -> None:
        self._each = each

    async def Connect(  # noqa: N802
        self,
        request_iterator: AsyncIterator[pb.Frame],
        context: object,  # noqa: ARG002
    ) -> AsyncIterator[pb.Frame]:
        async for message in request_iterator:
            frame, _ = decode(message)
            if frame.number % self._each == 0:
                yield encode(Frame(0, frame.number, 0.0, None, None))


async def _single_call(message: pb.Frame, _: object) -> pb.Frame:
    return encode(Frame(0, decode(message)[0].number, 0.0, None, None))


async def _serve_plain(folder: Path, each: int, pipe: Connection) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_ExchangeServicer_to_server(_Plain(each), server)
    single = grpc.unary_unary_rpc_method_handler(_single_call, pb.Frame.FromString, pb.Frame.SerializeToString)
    service, _, method = UNARY[1:].partition("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: single}),))
    port = server.add_secure_port(str(LOCAL), server_credentials(folder / "server"))
    await server.start()
    pipe.send(port)
    await asyncio.to_thread(pipe.recv)
    await server.stop(0)


async def _serve_exchange(folder: Path, count: int, pipe: Connection) -> None:
    loop, all_here, world = asyncio.get_running_loop(), asyncio.Event(), ThreadWorld()
    admitted, nowhere = AdmittedBoards(), Nowhere()
    authority = open_authority(folder / "server", PARK, "server", clock.now().wall)
    admitted.tell(BoardsAdmitted({BoardKeys(folder / NODE).fingerprint: NODE}))
    orders: Outbox[ExchangeMessage] = Outbox()
    central = _Told(lambda message: isinstance(message, ConnectorStatusChanged), count, loop, all_here)
    wires = BoardLinkWires(orders, nowhere, nowhere, central, nowhere, nowhere, Returns())
    facts = ServerFacts(PARK, "server", "1", "server-id", "store-id")
    placed = {f"{NODE}/cp1": Placed(f"{NODE}/cp1", 1, "grid", "RST", 3, 6_000, 16_000, 0, 0)}
    root = Supervisor(world, "server")
    link = root.child("link", lambda me: BoardLink(world, me, board_link.initial(NODE, facts, placed), wires))
    renewal = RenewalService(CertificateDesk(authority, nowhere, clock.now), admitted)
    voice = VoiceService("server", lambda: None)
    credentials = server_credentials(folder / "server")
    server = ExchangeServer(LOCAL, credentials, admitted, renewal, lambda _: link, orders, voice)
    root.start()
    await server.start()
    pipe.send(server.port)
    await all_here.wait()
    pipe.send(time.perf_counter())
    await asyncio.to_thread(pipe.recv)
    await server.stop()
    await asyncio.to_thread(root.stop)
    world.close()

"""Calls a second with validation on: this program's backend edge beside the stock `ocpp` library, in the same run.

50 connections, each with one call under way, to a backend in a process of its own that answers without looking. Each
call and each answer is checked against its schema on our side. `StartTransaction` is a short message; `MeterValues`
tells what a session's reading may tell: energy, power, offered current, and current and voltage of three phases.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeAlias, cast

import ocpp.messages as library  # pyright: ignore[reportMissingTypeStubs]
import structlog
from ocpp.v16 import ChargePoint, call  # pyright: ignore[reportMissingTypeStubs]
from websockets.asyncio.client import connect
from websockets.frames import Opcode
from websockets.typing import Subprotocol
from websockets.utils import accept_key, apply_mask

from benchmarks.table import Table, ratio
from nodes.ocpp.edge import BackendEdge
from nodes.ocpp.endpoint import Endpoint
from park.ocpp.link import CallAnswered, LinkEvent, LinkOrder, LinkUp, SendCall

CONNECTIONS = 50
CALLS = 20  # of each connection in a repetition
REPETITIONS = 3  # in turn, the medians count
TIME = "2026-06-01T12:00:00.000Z"
PROTOCOL = Subprotocol("ocpp1.6")
START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 1000, "timestamp": TIME}
STARTED = b'{"transactionId":7,"idTagInfo":{"status":"Accepted"}}'
SHORT_HEAD, MASK, LONGER = 6, 4, 126  # bytes of a masked frame's head and mask; this length says that two more tell it


def _value(measurand: str, value: str, unit: str, phase: str = "") -> dict[str, str]:
    told = {"value": value, "context": "Sample.Periodic", "measurand": measurand, "location": "Outlet", "unit": unit}
    return {**told, "phase": phase} if phase else told


VALUES = [
    _value("Energy.Active.Import.Register", "123456", "Wh"),
    _value("Power.Active.Import", "11040.0", "W"),
    _value("Current.Offered", "16.0", "A"),
    *(_value("Current.Import", "16.0", "A", f"L{phase}") for phase in (1, 2, 3)),
    *(_value("Voltage", "230.0", "V", f"L{phase}-N") for phase in (1, 2, 3)),
]
METERED = {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": TIME, "sampledValue": VALUES}]}


@dataclass(frozen=True, slots=True)
class Rate:
    """`processor`: seconds of processor time a call, of this process only."""

    calls_per_second: float
    processor: float


@dataclass(frozen=True, slots=True)
class Row:
    way: str
    action: str
    rate: Rate


Way: TypeAlias = Callable[[int, str, int, int], Awaitable[Rate]]
"""Port, action, connections, calls of each."""


def run(connections: int = CONNECTIONS, calls: int = CALLS, repetitions: int = REPETITIONS) -> list[Row]:
    """The stock library first, as it comes; then without its thread pool; then ours."""
    return asyncio.run(_run(connections, calls, repetitions))


def report(*, quick: bool) -> Table:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    rows = run(2, 5, 1) if quick else run()
    stock = {row.action: row.rate for row in reversed(rows)}  # the first of each action
    cells = (_cells(row, stock[row.action]) for row in rows)
    columns = ("what", "calls/s", "× stock", "processor µs a call", "stock ÷")
    return Table(f"Calls to a backend, validated, {CONNECTIONS} connections", columns, tuple(cells))


def _cells(row: Row, stock: Rate) -> tuple[str, ...]:
    rate = row.rate
    return (
        f"{row.action}: {row.way}",
        f"{rate.calls_per_second:,.0f}",
        ratio(rate.calls_per_second, stock.calls_per_second, 1),
        f"{1e6 * rate.processor:,.0f}",
        ratio(stock.processor, rate.processor, 1),
    )


async def _run(connections: int, calls: int, repetitions: int) -> list[Row]:
    ways: dict[str, Way] = {"ocpp library": _stock, "ocpp library, no thread pool": _unpooled, "backend edge": _ours}
    taken: dict[tuple[str, str], list[Rate]] = {}
    async with _backend() as port:
        for _ in range(repetitions):
            for action in ("StartTransaction", "MeterValues"):
                for way, rate in ways.items():
                    taken.setdefault((way, action), []).append(await rate(port, action, connections, calls))
    return [Row(way, action, _median(rates)) for (way, action), rates in taken.items()]


def _median(rates: list[Rate]) -> Rate:
    return Rate(
        statistics.median(rate.calls_per_second for rate in rates), statistics.median(rate.processor for rate in rates)
    )


# ---------------------------------------------------------------- the backend


@asynccontextmanager
async def _backend() -> AsyncGenerator[int]:
    """The port of a backend that runs in another process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield int(await asyncio.to_thread(ours.recv))
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _serve(pipe: Connection) -> None:
    asyncio.run(_answer_for_ever(pipe))


async def _answer_for_ever(pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Station, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Station(asyncio.Protocol):
    """One connection, at the price of a few bytes moved: the backend must not be what is measured (RFC 6455 §5.2)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._upgrade(head.decode())
        while (frame := self._frame()) is not None:
            self._answer(*frame)

    def _upgrade(self, head: str) -> None:
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        self._transport.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Protocol: {PROTOCOL}\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
        )
        self._upgraded = True

    def _frame(self) -> tuple[int, bytes] | None:
        """Opcode and payload of the next whole frame."""
        if len(self._buffer) < SHORT_HEAD:
            return None
        size, head = self._buffer[1] & 0x7F, 2
        if size == LONGER:
            size, head = int.from_bytes(self._buffer[2:4], "big"), 4
        end = head + MASK + size
        if len(self._buffer) < end:
            return None
        opcode, mask = self._buffer[0] & 0x0F, self._buffer[head : head + MASK]
        payload = apply_mask(self._buffer[head + MASK : end], mask)
        self._buffer = self._buffer[end:]
        return opcode, payload

    def _answer(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.CLOSE:
            self._transport.write(bytes((0x80 | Opcode.CLOSE, len(payload))) + payload)
            self._transport.close()
            return
        answer = STARTED if b'"StartTransaction"' in payload[:80] else b"{}"
        text = b'[3,"%b",%b]' % (payload.split(b'"', 2)[1], answer)
        self._transport.write(bytes((0x80 | Opcode.TEXT, len(text))) + text)


# ---------------------------------------------------------------- the stock library


async def _unpooled(port: int, action: str, connections: int, calls: int) -> Rate:
    library.ASYNC_VALIDATION = False
    return await _with_library(port, action, connections, calls)


async def _stock(port: int, action: str, connections: int, calls: int) -> Rate:
    library.ASYNC_VALIDATION = True  # as it comes
    try:
        return await _with_library(port, action, connections, calls)
    finally:
        library.ASYNC_VALIDATION = False  # as nodes.ocpp.frames wants it


async def _with_library(port: int, action: str, connections: int, calls: int) -> Rate:
    async with AsyncExitStack() as stack:
        stations: list[Any] = []
        for number in range(connections):
            url = f"ws://127.0.0.1:{port}/{number}"
            socket = await stack.enter_async_context(connect(url, subprotocols=[PROTOCOL], compression=None))
            stations.append(ChargePoint(str(number), socket))
        listening = [asyncio.create_task(station.start()) for station in stations]
        rate = await _timed([_calling(station, action) for station in stations], calls)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        return rate


def _calling(station: ChargePoint, action: str) -> Callable[[], Awaitable[object]]:
    request: Any = (
        call.StartTransaction(connector_id=1, id_tag="04A1B2C3", meter_start=1000, timestamp=TIME)
        if action == "StartTransaction"
        else call.MeterValues(connector_id=1, transaction_id=7, meter_value=_snake_cased())
    )
    ask = cast("Callable[..., Awaitable[object]]", station.call)  # pyright: ignore[reportUnknownMemberType]
    return lambda: ask(request, suppress=False)


def _snake_cased() -> list[dict[str, object]]:
    """As the library wants it: names in snake case."""
    return [{"timestamp": TIME, "sampled_value": [dict(value) for value in VALUES]}]


# ---------------------------------------------------------------- ours


class Line:
    """A backend edge, and an address that waits for what it tells. Its orders come on the loop, as the library's do."""

    def __init__(self, port: int, number: int) -> None:
        self._orders: asyncio.Queue[LinkOrder | None] = asyncio.Queue()
        self._serial = 0
        self._told: asyncio.Future[LinkEvent] = asyncio.get_running_loop().create_future()
        endpoint = Endpoint(f"ws://127.0.0.1:{port}", str(number), compression=False)
        self._task = asyncio.create_task(BackendEdge(endpoint, self, self._ordered()).run())

    async def _ordered(self) -> AsyncGenerator[LinkOrder]:
        while (order := await self._orders.get()) is not None:
            yield order

    def tell(self, message: LinkEvent, /) -> None:
        if not self._told.done():
            self._told.set_result(message)

    async def up(self) -> None:
        """Wait for the connection; raises RuntimeError when there is none."""
        told = await self._told
        if not isinstance(told, LinkUp):
            raise RuntimeError(f"the edge tells {told}")  # noqa: TRY004 - no type, there is no connection

    async def call(self, action: str, payload: Mapping[str, object]) -> None:
        """One round trip; raises RuntimeError for anything but an answer."""
        self._serial += 1
        self._told = asyncio.get_running_loop().create_future()
        self._orders.put_nowait(SendCall(f"call-{self._serial:08}-of-this-connection-x", action, payload, 1))
        told = await self._told
        if not isinstance(told, CallAnswered):
            raise RuntimeError(f"{action}: the edge tells {told}")  # noqa: TRY004 - no type, the call failed

    async def close(self) -> None:
        self._orders.put_nowait(None)
        await self._task


async def _ours(port: int, action: str, connections: int, calls: int) -> Rate:
    payload = START if action == "StartTransaction" else METERED
    lines = [Line(port, number) for number in range(connections)]
    for line in lines:
        await line.up()
    rate = await _timed([_calling_edge(line, action, payload) for line in lines], calls)
    for line in lines:
        await line.close()
    return rate


def _calling_edge(line: Line, action: str, payload: Mapping[str, object]) -> Callable[[], Awaitable[object]]:
    return lambda: line.call(action, payload)


async def _timed(asks: list[Callable[[], Awaitable[object]]], calls: int) -> Rate:
    """After one call each that does not count."""
    await asyncio.gather(*(ask() for ask in asks))
    began, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_repeated(ask, calls) for ask in asks))
    made = len(asks) * calls
    return Rate(made / (time.perf_counter() - began), (time.process_time() - processor) / made)


async def _repeated(ask: Callable[[], Awaitable[object]], calls: int) -> None:
    for _ in range(calls):
        await ask()

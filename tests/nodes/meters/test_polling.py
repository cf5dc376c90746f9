"""The meter edge against a real Modbus server, and against devices that misbehave byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from support.ports import free_port

from nodes.meters.polling import PolledMeter, poll_line, poll_meters
from park.config.quantities import Endpoint
from park.metering.decoding import encode
from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.register_map import Quantity
from park.model.metering import PollFailed, SampleTaken
from park.model.time import Now

REGISTERS = EASTRON_SDM630.blocks[0].count
PERIOD, TIMEOUT, PATIENCE = 0.02, 0.1, 10.0


def now() -> Now:
    return Now(time.monotonic(), datetime.now(UTC))


def house(amperes: float, energy_kwh: float = 1.5) -> list[int]:
    """The registers of an SDM630 that measures this current on L1."""
    contents = encode(
        EASTRON_SDM630,
        {
            Quantity.CURRENT_L1: amperes * 1_000,
            Quantity.POWER_L1: amperes * 230,
            Quantity.POWER: amperes * 230,
            Quantity.ENERGY_IMPORT: energy_kwh * 1_000,
            Quantity.FREQUENCY: 50_000,
        },
    )
    return [contents.get(address, 0) for address in range(REGISTERS)]


class Inbox:
    """A meter's address; tests wait for what it is told."""

    def __init__(self) -> None:
        self.messages: list[SampleTaken | PollFailed] = []
        self._told = asyncio.Event()

    def tell(self, message: SampleTaken | PollFailed, /) -> None:
        self.messages.append(message)
        self._told.set()

    async def until(self, wanted: Callable[[list[SampleTaken | PollFailed]], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not wanted(self.messages):
                self._told.clear()
                await self._told.wait()

    async def first(self) -> SampleTaken | PollFailed:
        await self.until(bool)
        return self.messages[0]

    @property
    def amperes(self) -> list[float]:
        return [
            each.sample.currents_ma[0] / 1_000
            for each in self.messages
            if isinstance(each, SampleTaken) and each.sample
        ]

    @property
    def reasons(self) -> list[str]:
        return [each.reason for each in self.messages if isinstance(each, PollFailed)]


@contextlib.asynccontextmanager
async def polling(meters: Iterable[PolledMeter]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(poll_meters(meters, now))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def meter(inbox: Inbox, port: int, unit: int = 1, name: str = "grid") -> PolledMeter:
    return PolledMeter(name, EASTRON_SDM630, Endpoint("127.0.0.1", port), unit, PERIOD, TIMEOUT, inbox)


# ---------------------------------------------------------------- a real server


async def serve(port: int, units: dict[int, float]) -> ModbusTcpServer:
    """A Modbus server whose units measure these amperes."""

    def device(unit: int) -> SimDevice:
        async def action(
            _fc: int, start: int, address: int, count: int, registers: list[int], _: object
        ) -> ExcCodes | None:
            registers[address - start : address - start + count] = house(units[unit])[address : address + count]
            return None

        image = [SimData(0, values=[0] * REGISTERS, datatype=DataType.REGISTERS, readonly=True)]
        return SimDevice(unit, simdata=image, action=action)  # pyright: ignore[reportArgumentType]

    server = ModbusTcpServer([device(unit) for unit in units], address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    return server


async def test_meters_behind_one_gateway_are_polled_each_in_its_rhythm():
    port, one, two = free_port(), Inbox(), Inbox()
    server = await serve(port, {1: 16.0, 7: 5.5})
    async with polling([meter(one, port, 1, "one"), meter(two, port, 7, "two")]):
        await one.until(lambda told: len(told) >= 4)
        await two.until(lambda told: len(told) >= 4)
    await server.shutdown()
    assert set(one.amperes) == {16.0}
    assert set(two.amperes) == {5.5}
    assert one.reasons == two.reasons == []
    assert {each.meter for each in two.messages} == {"two"}
    stamps = [each.mono for each in one.messages]
    assert stamps == sorted(stamps)


async def test_a_server_that_restarts_is_found_again():
    port, inbox = free_port(), Inbox()
    server = await serve(port, {1: 16.0})
    async with polling([meter(inbox, port)]):
        await inbox.until(lambda told: len(told) >= 2)
        await server.shutdown()
        await inbox.until(lambda _: len(inbox.reasons) >= 2)
        server = await serve(port, {1: 10.0})
        await inbox.until(lambda _: 10.0 in inbox.amperes)
    await server.shutdown()


@pytest.mark.rule("B-229")
async def test_a_meter_that_is_missing_at_power_up_is_searched_until_it_is_there():
    port, inbox = free_port(), Inbox()
    async with polling([meter(inbox, port)]):
        await inbox.until(lambda _: len(inbox.reasons) >= 3)
        server = await serve(port, {1: 16.0})
        await inbox.until(lambda _: 16.0 in inbox.amperes)
    await server.shutdown()


async def test_an_unknown_unit_is_a_failed_poll_and_its_neighbour_goes_on():
    port, good, bad = free_port(), Inbox(), Inbox()
    server = await serve(port, {1: 16.0})
    async with polling([meter(good, port), meter(bad, port, 9, "bad")]):
        await bad.first()
        await good.until(lambda told: len(told) >= 5)
    await server.shutdown()
    assert "unit 9 refused registers from 0x0000 on: Modbus exception 4, server device failure" in bad.reasons
    assert good.reasons == []


async def test_a_refused_connection_says_which_address():
    port, inbox = free_port(), Inbox()
    async with polling([meter(inbox, port)]) as task:
        await inbox.until(lambda told: len(told) >= 2)
        assert not task.done()
    assert inbox.reasons[0] == f"no connection to tcp://127.0.0.1:{port}; is the meter on, and the address right?"


# ---------------------------------------------------------------- devices that misbehave


@dataclass
class Device:
    """A raw TCP device: `react(request, transaction)` gives the bytes to send back; None closes the connection."""

    react: Callable[[bytes, int], Awaitable[bytes | None]]
    requests: list[int] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readexactly(12)
                self.requests.append(self.connections)
                answer = await self.react(request, int.from_bytes(request[:2], "big"))
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def misbehaving(device: Device) -> AsyncIterator[tuple[Inbox, asyncio.Task[None]]]:
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    inbox = Inbox()
    async with polling([meter(inbox, server.sockets[0].getsockname()[1])]) as task:
        yield inbox, task
    server.close()


def frame(transaction: int, registers: list[int], unit: int = 1, function: int = 4) -> bytes:
    body = struct.pack(f">BBB{len(registers)}H", unit, function, 2 * len(registers), *registers)
    return struct.pack(">HHH", transaction, 0, len(body)) + body


GOOD = house(16.0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda t: frame(t, GOOD)[:20], "no answer within", id="half a frame"),
        pytest.param(lambda _: b"", "no answer within", id="silence"),
        pytest.param(lambda _: b"\xff" * 40, "", id="garbage"),
        pytest.param(lambda _: b"HTTP/1.0 400 Bad Request\r\n\r\n", "", id="another protocol"),
        pytest.param(lambda t: frame(t, GOOD, unit=2), "no answer within", id="wrong unit"),
        pytest.param(lambda t: frame(t - 1 or 9, GOOD), "no answer within", id="the answer before"),
        pytest.param(lambda _: frame(0, GOOD), "transaction 0", id="no transaction"),
        pytest.param(lambda t: frame(t, GOOD, function=3), "function 3, asked was 4", id="wrong function"),
        pytest.param(lambda t: frame(t, GOOD[:-1]), "75 registers, asked were 76", id="too short"),
        pytest.param(lambda t: frame(t, [*GOOD, 1]), "77 registers, asked were 76", id="too long"),
        pytest.param(
            lambda t: struct.pack(">HHHBBB", t, 0, 3, 1, 0x84, 11), "exception 11, gateway target", id="exception"
        ),
        pytest.param(lambda t: struct.pack(">HHHBBB", t, 0, 3, 1, 0x83, 2), "function 3", id="exception to another"),
        pytest.param(lambda _: None, "", id="connection closed"),
    ],
)
async def test_a_doubtful_answer_is_no_sample_and_the_next_good_one_is(
    answer: Callable[[int], bytes | None], reason: str
):
    """P06: value discarded, reconnect, the stale timer runs."""
    bad = 2

    async def react(_request: bytes, transaction: int) -> bytes | None:
        return answer(transaction) if len(device.requests) <= bad else frame(transaction, GOOD)

    device = Device(react)
    async with misbehaving(device) as (inbox, task):
        await inbox.until(lambda _: inbox.amperes)
        assert not task.done()
    assert len(inbox.reasons) == bad
    assert all(reason in each for each in inbox.reasons)
    assert set(inbox.amperes) == {16.0}
    if "exception 11" not in reason:
        assert device.connections == bad + 1


async def test_values_that_cannot_be_are_a_sample_with_a_problem():
    async def react(_request: bytes, transaction: int) -> bytes:
        return frame(transaction, [*GOOD[:6], 0x7FC0, 0, *GOOD[8:]])

    async with misbehaving(Device(react)) as (inbox, _):
        message = await inbox.first()
    assert isinstance(message, SampleTaken)
    assert message.sample is None
    assert message.problem == "current_l1_ma is nan, plausible is 0 to 1e+07"


async def test_an_answer_that_comes_after_its_timeout_is_never_taken_for_the_next():
    """Reliability: the answer of the request before, right transaction id of a new connection included."""
    late = asyncio.Event()

    async def react(_request: bytes, transaction: int) -> bytes:
        if len(device.requests) == 1:
            await late.wait()
            return frame(transaction, house(99.0))
        late.set()
        return frame(transaction, GOOD)

    device = Device(react)
    async with misbehaving(device) as (inbox, _):
        await inbox.until(lambda _: len(inbox.amperes) >= 5)
    assert inbox.reasons == [f"unit 1 gave no answer within {TIMEOUT:g} s"]
    assert set(inbox.amperes) == {16.0}
    assert device.requests[:2] == [1, 2]


async def test_an_answer_nobody_asked_for_is_not_taken():
    async def react(_request: bytes, transaction: int) -> bytes:
        return frame(transaction, GOOD) + frame(transaction + 1, [1, 2, 3]) + frame(0, [4, 5, 6])

    async with misbehaving(Device(react)) as (inbox, _):
        await inbox.until(lambda _: len(inbox.amperes) >= 5)
    assert set(inbox.amperes) == {16.0}


async def test_a_silent_meter_is_tried_less_often_so_that_its_neighbour_keeps_its_rhythm():
    async def react(request: bytes, transaction: int) -> bytes:
        return b"" if request[6] == 1 else frame(transaction, GOOD, unit=request[6])

    device = Device(react)
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent, good = Inbox(), Inbox()
    async with polling([meter(silent, port, 1), meter(good, port, 2)]):
        await silent.until(lambda told: len(told) >= 5)
    server.close()
    assert good.reasons == []
    assert len(good.messages) > 2 * len(silent.messages)


async def test_polling_ends_when_cancelled_and_closes_its_connection():
    closed = asyncio.Event()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(12)
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    inbox = Inbox()
    task = asyncio.create_task(poll_meters([meter(inbox, server.sockets[0].getsockname()[1])], now))
    await inbox.first()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(PATIENCE):
        await closed.wait()
    server.close()


async def test_a_cancellation_at_the_moment_of_an_answer_is_heeded(monkeypatch: pytest.MonkeyPatch):
    """`asyncio.wait_for` of Python 3.11, which pymodbus uses, forgets it then: a node would never end."""
    port, inbox = free_port(), Inbox()
    server = await serve(port, {1: 16.0})

    def arriving(sending: bool, packet: bytes) -> bytes:
        if not sending and len(inbox.messages) == 2:
            line.cancel()
        return packet

    client = functools.partial(AsyncModbusTcpClient, trace_packet=arriving)
    monkeypatch.setattr("nodes.meters.line.AsyncModbusTcpClient", client)
    line = asyncio.create_task(poll_line((meter(inbox, port),), now))
    done, _ = await asyncio.wait({line}, timeout=PATIENCE)
    line.cancel()
    await server.shutdown()
    assert done
    assert len(inbox.messages) == 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_no_bytes_whatever_end_the_edge_or_become_a_wrong_value(answers: list[bytes]):
    async def run() -> None:
        async def react(_request: bytes, transaction: int) -> bytes:
            number = len(device.requests)
            return answers[number - 1] if number <= len(answers) else frame(transaction, GOOD)

        device = Device(react)
        async with misbehaving(device) as (inbox, task):
            await inbox.until(lambda _: inbox.amperes)
            assert not task.done()
        assert set(inbox.amperes) == {16.0}

    asyncio.run(run())

"""The virtual meters on real sockets: what they answer, and how they do not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from support.ports import free_ports

from nodes.virtual.modbus import MeterServers, ServedMeter
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.model.metering import Sample

GATEWAY_NO_RESPONSE, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 11, 2, 3
VOLTS = (230_000, 230_000, 230_000)


class Desk:
    """Two meters behind one address, and a way to play with them."""

    def __init__(self) -> None:
        self.endpoint = Endpoint("127.0.0.1", free_ports(1)[0])
        self.readings: dict[int, tuple[Sample, int] | None] = {
            1: (Sample((1_000, 2_000, 3_000), 1_380, 5_001, VOLTS, 50_000), 0),
            7: (Sample((7_000, 0, 0), 1_610, 7_007, VOLTS, 50_000), 0),
        }
        self.servers = MeterServers(
            ServedMeter(self.endpoint, unit, lambda unit=unit: self.readings[unit]) for unit in self.readings
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncModbusTcpClient]:
        await self.servers.start()
        try:
            async with AsyncModbusTcpClient("127.0.0.1", port=self.endpoint.port, timeout=0.5, retries=0) as client:
                yield client
        finally:
            await self.servers.stop()


def floats(client: AsyncModbusTcpClient, words: Sequence[int]) -> list[object]:
    pairs = [list(words[i : i + 2]) for i in range(0, len(words), 2)]
    return [client.convert_from_registers(pair, client.DATATYPE.FLOAT32) for pair in pairs]


async def test_both_function_codes_and_unit_identifiers():
    desk = Desk()
    async with desk.client() as client:
        first = await client.read_input_registers(6, count=6, device_id=1)
        assert floats(client, first.registers) == [1.0, 2.0, 3.0]  # A; power follows
        held = await client.read_holding_registers(72, count=2, device_id=7)
        assert floats(client, held.registers) == [pytest.approx(7.007)]
        desk.readings[1] = (Sample((9_000, 0, 0), 0, 0, VOLTS, 50_000), 0)
        again = await client.read_input_registers(6, count=2, device_id=1)
        assert floats(client, again.registers) == [9.0]


@pytest.mark.parametrize(
    ("address", "count", "unit", "code"),
    [
        (0, 82, 1, ILLEGAL_VALUE),
        (5_000, 2, 1, ILLEGAL_ADDRESS),
        (0, 2, 99, GATEWAY_NO_RESPONSE),
    ],
)
async def test_what_it_refuses(address: int, count: int, unit: int, code: int):
    async with Desk().client() as client:
        answer = await client.read_input_registers(address, count=count, device_id=unit)
        assert answer.isError()
        assert answer.exception_code == code


async def test_registers_cannot_be_written():
    async with Desk().client() as client:
        assert (await client.write_register(72, 0, device_id=1)).isError()


async def test_a_silent_meter_takes_the_request_and_never_answers_its_neighbour_does():
    desk = Desk()
    async with desk.client() as client:
        desk.readings[1] = None
        with pytest.raises(ModbusException):
            await client.read_input_registers(6, count=2, device_id=1)
    desk.readings[1] = desk.readings[7]
    async with desk.client() as client:
        assert not (await client.read_input_registers(6, count=2, device_id=7)).isError()


async def test_silence_withholds_only_its_own_answers():
    desk = Desk()
    desk.readings[1] = None
    async with desk.client() as client:
        assert not (await client.read_input_registers(6, count=2, device_id=7)).isError()


async def test_a_port_in_use_is_named_and_nothing_is_left_listening():
    first, second = free_ports(2)
    reading = (Sample((0, 0, 0), 0, 0), 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", max(first, second)))
        taken.listen()
        servers = MeterServers(
            ServedMeter(Endpoint("127.0.0.1", port), 1, lambda: reading) for port in sorted((first, second))
        )
        with pytest.raises(
            AddressUnusable, match=rf"tcp://127.0.0.1:{max(first, second)}: another program has the port"
        ):
            await servers.start()
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", min(first, second))) != 0

"""pymodbus 3.16: what the meter edge and the virtual meter stand on; its minor releases change the interface."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusIOException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

MEASURED, SETTABLE, TOO_MUCH = 100, 300, 320
accesses: list[tuple[int, int, list[int] | None]] = []


async def action(
    fc: int, start: int, address: int, count: int, registers: list[int], values: list[int] | list[bool] | None
) -> ExcCodes | None:
    """Refresh the measured value in place, refuse a setting that is too high."""
    accesses.append((fc, address, None if values is None else list(values)))
    if values is None and address <= MEASURED < address + count:
        registers[MEASURED - start : MEASURED - start + 2] = struct.unpack(">HH", struct.pack(">f", 3456.5))
    if values is not None and address == SETTABLE and values[0] > TOO_MUCH:
        return ExcCodes.ILLEGAL_VALUE
    return None


@pytest.fixture
async def server() -> AsyncIterator[ModbusTcpServer]:
    accesses.clear()
    holding = [
        SimData(MEASURED, values=0.0, datatype=DataType.FLOAT32, readonly=True),
        SimData(SETTABLE, values=[0] * 4, datatype=DataType.REGISTERS),
    ]
    inputs = [SimData(0, values=[1, 2, 3], datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    device = SimDevice(1, simdata=(bits, bits, holding, inputs), action=action)
    server = ModbusTcpServer([device], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    yield server
    await server.shutdown()


def port_of(server: ModbusTcpServer) -> int:
    transport = server.transport
    assert isinstance(transport, asyncio.Server)
    return transport.sockets[0].getsockname()[1]


@pytest.fixture
async def client(server: ModbusTcpServer) -> AsyncIterator[AsyncModbusTcpClient]:
    async with AsyncModbusTcpClient("127.0.0.1", port=port_of(server), timeout=2, retries=0) as client:
        yield client


async def test_port_0_is_a_free_port_that_the_transport_knows(server: ModbusTcpServer):
    """Tests and the bench bind this way."""
    assert port_of(server) > 0


async def test_a_port_in_use_is_a_runtime_error(server: ModbusTcpServer):
    """The bench turns it into a text that names the port."""
    other = ModbusTcpServer([SimDevice(1, simdata=[SimData(0)])], address=("127.0.0.1", port_of(server)))
    with pytest.raises(RuntimeError):
        await other.serve_forever(background=True)


async def test_the_action_refreshes_a_measured_value_when_it_is_read(client: AsyncModbusTcpClient):
    """The virtual meter computes its registers in the read, so a reading is never older than the question."""
    answer = await client.read_holding_registers(MEASURED, count=2, device_id=1)
    assert client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32) == 3456.5
    assert accesses[-1] == (3, MEASURED, None)


async def test_the_four_tables_are_apart(client: AsyncModbusTcpClient):
    """Input register 0 is not holding register 0; the SDM630 measures in input registers."""
    assert (await client.read_input_registers(0, count=3, device_id=1)).registers == [1, 2, 3]
    assert (await client.read_holding_registers(0, count=1, device_id=1)).isError()


async def test_the_action_may_refuse_a_value(client: AsyncModbusTcpClient):
    """A register that takes a limit answers 3 to one out of range."""
    answer = await client.write_register(SETTABLE, TOO_MUCH + 1, device_id=1)
    assert (answer.isError(), answer.exception_code) == (True, ExcCodes.ILLEGAL_VALUE)
    assert not (await client.write_register(SETTABLE, 16, device_id=1)).isError()
    assert (await client.read_holding_registers(SETTABLE, count=1, device_id=1)).registers == [16]


@pytest.mark.parametrize("address", [MEASURED, 5000], ids=["readonly", "undefined"])
async def test_a_write_to_a_readonly_or_undefined_register_is_an_illegal_address(
    client: AsyncModbusTcpClient, address: int
):
    """Nothing of ours has to check that."""
    assert (await client.write_register(address, 1, device_id=1)).exception_code == ExcCodes.ILLEGAL_ADDRESS


async def test_setting_from_inside_passes_the_action_and_not_a_readonly_register(
    server: ModbusTcpServer, client: AsyncModbusTcpClient
):
    """So measured values are refreshed in the action, never set from outside."""
    await server.async_setValues(1, 16, SETTABLE + 1, [42])
    assert (16, SETTABLE + 1, [42]) in accesses
    assert (await client.read_holding_registers(SETTABLE + 1, count=1, device_id=1)).registers == [42]
    with pytest.raises(TypeError):
        await server.async_setValues(1, 16, MEASURED, [1, 2])


async def test_the_unit_is_called_device_id_and_count_is_a_keyword(client: AsyncModbusTcpClient):
    """`slave=` and `unit=` of older releases are gone."""
    with pytest.raises(TypeError):
        await client.read_input_registers(0, count=1, slave=1)  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        await client.read_input_registers(0, 1, device_id=1)  # pyright: ignore[reportCallIssue]


async def test_an_unknown_unit_is_answered_with_device_failure_not_silence(client: AsyncModbusTcpClient):
    """A virtual meter that is to be silent has to be taken off the network instead."""
    answer = await client.read_input_registers(0, count=1, device_id=7)
    assert (answer.isError(), answer.exception_code) == (True, ExcCodes.DEVICE_FAILURE)


async def test_silence_is_a_modbus_io_exception_after_the_time_limit():
    """The meter edge translates it to an OSError once, and closes the connection."""
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.05, retries=0) as client:
        with pytest.raises(ModbusIOException):
            await client.read_input_registers(0, count=1, device_id=1)
    await gone.wait()
    silent.close()
    await silent.wait_closed()


async def test_a_refused_connection_is_false_not_an_exception(server: ModbusTcpServer):
    """`connect()` has to be asked for its answer."""
    port = port_of(server)
    await server.shutdown()
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0, reconnect_delay=0)
    assert await client.connect() is False
    client.close()

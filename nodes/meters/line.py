"""One Modbus TCP connection, shared by the meters behind it; an answer that cannot be trusted closes it."""

from __future__ import annotations

import asyncio

from msgspec import Struct
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from park.config.quantities import Endpoint
from park.metering.register_map import Block, Function

CONNECT_SECONDS = 3.0  # a host in the same building answers in milliseconds; more is a host that is away
LIBRARY_SECONDS = 60.0  # the library's own time limit; ours, shorter and a meter's own, ends every wait
EXCEPTIONS = {  # Modbus application protocol §7
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    6: "server device busy",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class AnswerRefused(OSError):
    """The device answered with a Modbus exception: the connection is in order, the request is not for it."""


class Request(Struct, frozen=True):
    """Registers of one block of one unit."""

    unit: int
    function: Function
    block: Block


class ModbusLine:
    """Not for concurrent use: Modbus gateways answer one request at a time.

    After a timeout or a doubtful answer the connection is closed, so that a late answer cannot be taken for the answer
    to the next request.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: AsyncModbusTcpClient | None = None

    async def read(self, request: Request, timeout: float) -> list[int]:
        """The registers of the block.

        Raises `AnswerRefused`, `TimeoutError` or `ConnectionError`, their texts for the technician.
        """
        client = await self._connected()
        try:
            async with asyncio.timeout(timeout):
                answer = await self._ask(client, request)
            problem = _doubt(answer, request, client.ctx.request_transaction_id)
        except BaseException as error:
            self.close()  # also when cancelled: the answer may still be under way
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"unit {request.unit} gave no answer within {timeout:g} s") from None
            raise
        if problem is not None:
            self.close()
            raise ConnectionError(problem)
        if answer.isError():
            words = EXCEPTIONS.get(answer.exception_code, "unknown")
            raise AnswerRefused(
                f"unit {request.unit} refused registers from {request.block.address:#06x} on: "
                f"Modbus exception {answer.exception_code}, {words}"
            )
        return list(answer.registers)

    def close(self) -> None:
        """Drop the connection; the next read opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(
            self._endpoint.host, port=self._endpoint.port, timeout=LIBRARY_SECONDS, retries=0, reconnect_delay=0
        )
        connected = False
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connected = await client.connect()
        except TimeoutError:
            pass
        finally:
            if not connected:
                client.close()
        if not connected:
            raise ConnectionError(f"no connection to tcp://{self._endpoint}; is the meter on, and the address right?")
        self._client = client
        return client

    @staticmethod
    async def _ask(client: AsyncModbusTcpClient, request: Request) -> ModbusPDU:
        read = client.read_input_registers if request.function is Function.INPUT else client.read_holding_registers
        try:
            return await read(request.block.address, count=request.block.count, device_id=request.unit)
        except OSError:  # a timeout of ours among them
            raise
        except Exception as error:  # whatever the library makes of bytes that are no answer
            raise ConnectionError(f"unit {request.unit}: {type(error).__name__}: {error}") from error


def _doubt(answer: ModbusPDU, request: Request, transaction: int) -> str | None:
    """Why this is not the answer to the request; the library lets transaction 0 and other functions pass."""
    function = answer.function_code & 0x7F  # the highest bit marks an exception
    if answer.transaction_id != transaction:
        return f"answer of transaction {answer.transaction_id} to transaction {transaction}"
    if answer.dev_id != request.unit:
        return f"unit {answer.dev_id} answered for unit {request.unit}"
    if function != request.function.value:
        return f"answer to function {function}, asked was {request.function.value}"
    if not answer.isError() and len(answer.registers) != request.block.count:
        return f"{len(answer.registers)} registers, asked were {request.block.count}"
    return None

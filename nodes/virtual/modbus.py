"""Modbus TCP servers of the virtual meters: one a listening address, a unit identifier a meter."""

from __future__ import annotations

import errno
import functools
import socket
from collections.abc import Callable, Iterable
from itertools import groupby

from msgspec import Struct
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from nodes.virtual.sdm630 import BLOCKS, LARGEST_READ, registers
from nodes.virtual.signing import Signer
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.model.metering import Sample

UNIT_OFFSET = 6  # Modbus TCP §3.1: the unit identifier is the last byte of the header
EVERY_OTHER_UNIT = 0  # pymodbus: the device that answers for unit identifiers nobody has


class ServedMeter(Struct, frozen=True):
    """A meter at its address. `read` gives sample and export register now; None: the meter is silent.

    `signer`: of a meter that signs.
    """

    endpoint: Endpoint
    unit: int
    read: Callable[[], tuple[Sample, int] | None]
    signer: Signer | None = None


class MeterServers:
    """All Modbus servers of a bench, between `start` and `stop`."""

    def __init__(self, meters: Iterable[ServedMeter]) -> None:
        ordered = sorted(meters, key=lambda meter: (str(meter.endpoint), meter.unit))
        groups = groupby(ordered, key=lambda meter: meter.endpoint)
        self._by_endpoint = [(endpoint, list(group)) for endpoint, group in groups]
        self._servers: list[ModbusTcpServer] = []

    async def start(self) -> None:
        """Listen everywhere; raises AddressUnusable, with nothing left listening."""
        try:
            for endpoint, meters in self._by_endpoint:
                self._servers.append(await _listen(endpoint, meters))
        except AddressUnusable:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every listener and connection."""
        for server in self._servers:
            await server.shutdown()
        self._servers.clear()


async def _listen(endpoint: Endpoint, meters: list[ServedMeter]) -> ModbusTcpServer:
    _probe(endpoint)
    devices = [_device(meter.unit, functools.partial(_answer, meter), meter.signer) for meter in meters]
    devices.append(_device(EVERY_OTHER_UNIT, _no_such_unit, None))
    silence = functools.partial(_withhold, {meter.unit: meter for meter in meters})
    server = ModbusTcpServer(devices, address=(endpoint.host, endpoint.port), trace_packet=silence)
    try:
        await server.serve_forever(background=True)
    except RuntimeError as error:
        raise _unusable(endpoint, str(error)) from error
    return server


def _probe(endpoint: Endpoint) -> None:
    """Find out why an address cannot be listened on: pymodbus only says that it cannot."""
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((endpoint.host, endpoint.port))
        except OSError as error:
            reason = "another program has the port" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise _unusable(endpoint, reason) from error


def _unusable(endpoint: Endpoint, reason: str) -> AddressUnusable:
    return AddressUnusable(
        f"[[meter]] address: cannot listen on tcp://{endpoint}: {reason}; change it or stop the program"
    )


def _device(unit: int, action: Callable[..., object], signer: Signer | None) -> SimDevice:
    ranges = (*BLOCKS, *signer.blocks) if signer is not None else BLOCKS
    blocks = [SimData(first, values=[0] * count, datatype=DataType.REGISTERS, readonly=True) for first, count in ranges]
    return SimDevice(unit, simdata=blocks, action=action)  # pyright: ignore[reportArgumentType] - a partial of one


async def _answer(
    meter: ServedMeter, _function: int, start: int, address: int, count: int, words: list[int], _written: object
) -> ExcCodes | None:
    """Refresh the registers just before they are read."""
    if count > LARGEST_READ:
        return ExcCodes.ILLEGAL_VALUE
    reading = meter.read()
    if reading is not None:
        signed = meter.signer.registers(address, reading[0].energy_wh) if meter.signer is not None else {}
        for place, word in (registers(*reading) | signed).items():
            words[place - start] = word
    return None


async def _no_such_unit(*_request: object) -> ExcCodes:
    return ExcCodes.GATEWAY_NO_RESPONSE


def _withhold(meters: dict[int, ServedMeter], sending: bool, packet: bytes) -> bytes:  # noqa: FBT001 - pymodbus's hook
    """Drop the answers of silent meters: the request was taken, nothing comes back, not even later."""
    if not sending or len(packet) <= UNIT_OFFSET:
        return packet
    meter = meters.get(packet[UNIT_OFFSET])
    return b"" if meter is not None and meter.read() is None else packet

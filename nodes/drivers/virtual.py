"""Driver of the virtual hardware: the cable from a node to the bench process, levels up, commands down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import grpc
from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address, Nowhere
from nodes.drivers.echo import Echo
from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import command_to_wire, levels_from_wire
from nodes.rpc.bench_pb2_grpc import BenchStub
from park.model.access import ReaderLost, ShowFeedback, TagRead
from park.model.autocharge import VehicleIdentified
from park.model.evse import EvseCommand, EvseLost, EvseReported, Signal
from park.model.limit import InputChanged
from park.physics.hardware import TRAITS

SILENCE_SECONDS = 4.0  # the bench beats every second: after three lost beats the link is dead, whatever TCP says
CONNECT_SECONDS = 5.0  # on loopback; a bench that needs longer is not there
OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment has no business on loopback
    ("grpc.use_local_subchannel_pool", 1),  # a restarted edge dials anew and does not inherit gRPC's own backoff
)
_WIRE = (grpc.aio.AioRpcError, asyncio.InvalidStateError, TimeoutError, ValueError, OSError)

Command: TypeAlias = EvseCommand | ShowFeedback
Call: TypeAlias = "grpc.aio.StreamStreamCall[pb.DriverToBench, pb.BenchToDriver]"

__all__ = ["TRAITS", "Aside", "Command", "Commands", "Inputs", "run"]


class Commands(Protocol):
    """What the driver is told, oldest first; `nodes.bridge.Outbox` is one."""

    def depth(self) -> int:
        """Count what waits."""
        ...

    def __aiter__(self) -> AsyncIterator[Command]:
        """Iterate until there will be no more."""
        ...


class Inputs:
    """Digital inputs of the node, and who is told their levels: on change, and with every beat, for who forgot them."""

    def __init__(self, node: str, numbers: Sequence[int], to: Address[InputChanged]) -> None:
        self.numbers = tuple(numbers)
        self._node, self._to = node, to
        self._levels: dict[int, bool] = {}

    def heard(self, number: int, *, high: bool) -> None:
        self._levels[number] = high
        self._to.tell(InputChanged(self._node, number, high))

    def repeat(self) -> None:
        for number, high in self._levels.items():
            self._to.tell(InputChanged(self._node, number, high))

    def lost(self) -> None:
        """Nobody knows their levels any more."""
        self._levels.clear()
        for number in self.numbers:
            self._to.tell(InputChanged(self._node, number, None))


class Aside(Struct, frozen=True):
    """Who hears what is neither a level of a charge point nor a card. `inputs` None: nobody wants to know of them."""

    inputs: Inputs | None = None
    vehicles: Address[VehicleIdentified] = Nowhere()


async def run(
    address: str,
    charge_points: Sequence[str],
    readers: Sequence[str],
    commands: Commands,
    to_charge_point: Mapping[str, Address[EvseReported | EvseLost]],
    to_reader: Mapping[str, Address[TagRead | ReaderLost]],
    node: str = "",
    aside: Aside = Aside(),
) -> None:
    """Drive these devices of the bench at HOST:PORT until `commands` ends. Names are NODE/NAME, or NAME with `node`.

    Raises ConnectionError when the bench cannot be reached, refuses, or is lost; every address was told so before, of
    a failure by a defect too.
    Commands older than the link are dropped: what they allowed was meant to end in the meantime. The levels told on
    attaching make every charge point say anew what it wants.
    """
    listening = aside.inputs or Inputs(node, (), Nowhere())
    claim = pb.AttachTo(node=node, charge_points=charge_points, readers=readers, inputs=listening.numbers)
    try:
        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            async with asyncio.timeout(CONNECT_SECONDS):
                await channel.channel_ready()
            call: Call = BenchStub(channel).Attach()
            try:
                await _exchange(call, claim, commands, to_charge_point, to_reader, listening, aside.vehicles)
            finally:
                call.cancel()
    except Exception as error:
        reason = f"bench {address}: {_reason(error)}"
        for name in charge_points:
            to_charge_point[name].tell(EvseLost(name, reason))
        for name in readers:
            to_reader[name].tell(ReaderLost(name, reason))
        listening.lost()
        if isinstance(error, _WIRE):
            raise ConnectionError(reason) from error
        raise  # a defect of ours; it may be the last try, so everybody knows by now


async def _exchange(
    call: Call,
    claim: pb.AttachTo,
    commands: Commands,
    to_charge_point: Mapping[str, Address[EvseReported | EvseLost]],
    to_reader: Mapping[str, Address[TagRead | ReaderLost]],
    inputs: Inputs,
    vehicles: Address[VehicleIdentified],
) -> None:
    """Attach, then pass messages both ways; whichever direction ends first ends both."""
    await call.write(pb.DriverToBench(attach=claim))
    echo = Echo()
    await _read(call, echo)  # `attached`, or the refusal as an error
    waiting = aiter(commands)
    for _ in range(commands.depth()):
        await anext(waiting)
    sender = asyncio.create_task(_send(call, waiting, echo))
    receiver = asyncio.create_task(_receive(call, echo, to_charge_point, to_reader, inputs, vehicles))
    try:
        await asyncio.wait((sender, receiver), return_when=asyncio.FIRST_COMPLETED)
        if sender.done() and not sender.cancelled() and sender.exception() is None:
            return  # there will be no more commands: the bench ends its side in answer
        await asyncio.wait((receiver,), timeout=SILENCE_SECONDS)  # it knows the reason the bench gave
        _outcome(receiver if receiver.done() else sender)
    finally:
        await _end(sender, receiver)


def _outcome(task: asyncio.Task[None]) -> None:
    """Raise what ended it. A call that one direction gave up cancels the other (tests/facts): no wish to stop."""
    if task.cancelled():
        raise ConnectionError("the link was given up")
    task.result()


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _send(call: Call, commands: AsyncIterator[Command], echo: Echo) -> None:
    async for command in commands:
        await call.write(_on_the_wire(command, echo))
    await call.done_writing()


def _on_the_wire(command: Command, echo: Echo) -> pb.DriverToBench:
    """The time a signal waited here, and will be under way, is not added to its validity (S2)."""
    if isinstance(command, Signal):
        return command_to_wire(replace(command, valid_for=echo.valid_for(command, time.monotonic())), echo.stamp)
    return command_to_wire(command)


async def _receive(
    call: Call,
    echo: Echo,
    to_charge_point: Mapping[str, Address[EvseReported | EvseLost]],
    to_reader: Mapping[str, Address[TagRead | ReaderLost]],
    inputs: Inputs,
    vehicles: Address[VehicleIdentified],
) -> None:
    while True:
        message = await _read(call, echo)
        match message.WhichOneof("message"):
            case "levels":
                to_charge_point[message.levels.charge_point].tell(levels_from_wire(message.levels))
            case "card":
                to_reader[message.card.reader].tell(TagRead(message.card.reader, message.card.id_tag))
            case "vehicle":
                vehicles.tell(_identified(message.vehicle))
            case "input":
                inputs.heard(message.input.number, high=message.input.high)
            case "beat":
                inputs.repeat()
            case _:  # something a newer bench says
                pass


def _identified(vehicle: pb.VehicleFound) -> VehicleIdentified:
    """The modem goes by a name that no reader can have."""
    modem = f"slac:{vehicle.charge_point.rpartition('/')[2]}"
    return VehicleIdentified(modem, vehicle.charge_point, vehicle.mac if vehicle.HasField("mac") else None)


async def _read(call: Call, echo: Echo) -> pb.BenchToDriver:
    """Read the next message; silence and the end of the stream are errors."""
    async with asyncio.timeout(SILENCE_SECONDS):
        message = await call.read()
    if isinstance(message, pb.BenchToDriver):
        echo.hear(message, time.monotonic())
        return message
    raise ConnectionError(await call.details() or "it ended the link")


def _reason(error: Exception) -> str:
    match error:
        case grpc.aio.AioRpcError():
            return error.details() or error.code().name
        case TimeoutError():
            return "no answer; is it running? `chargepark bench serve CONFIG` starts it"
        case _:
            return str(error) or type(error).__name__

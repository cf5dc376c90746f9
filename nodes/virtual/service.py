"""The gRPC service of the bench: verbs, truth and the drivers' cable."""

# ruff: noqa: N802, ARG002 - gRPC names the methods, and gives each what not each needs

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, TypeAlias

import grpc

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import (
    car_from_wire,
    celsius_from_wire,
    command_from_wire,
    currents_from_wire,
    mode_from_wire,
)
from nodes.rpc.bench_pb2_grpc import BenchServicer
from nodes.virtual.bench import Bench, Cable, known_input
from nodes.virtual.truth import truth
from park.config.quantities import LARGEST_INPUT
from park.errors import BenchRefused, BenchUnusable
from park.physics.hardware import Fault
from park.physics.site import Site

ATTACH_SECONDS = 5.0  # within this a driver says what it drives
LARGEST_ID_TAG = 20  # OCPP 1.6 §7.28 CiString20

Context: TypeAlias = grpc.aio.ServicerContext[object, object]
log = logging.getLogger(__name__)

Mistake: TypeAlias = BenchUnusable | BenchRefused | ValueError


class BenchService(BenchServicer):
    """Speaks for one `Bench`, on its event loop."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    # ------------------------------------------------------------ verbs

    async def Plug(self, request: pb.PlugRequest, context: Context) -> pb.BenchDone:
        def plug(site: Site, mono: float) -> str:
            name = self._point(request.charge_point)
            cable_ma = request.cable_ma if request.HasField("cable_ma") else None
            site.plug(name, car_from_wire(request), mono, cable_ma)
            return f"plugged a car into {name}"

        return await self._do(plug, context)

    async def Unplug(self, request: pb.UnplugRequest, context: Context) -> pb.BenchDone:
        def unplug(site: Site, mono: float) -> str:
            name = self._point(request.charge_point)
            site.unplug(name, mono)
            kept = site.evses[name].cable_ohms is not None
            return f"unplugged {name}" + ("; the lock holds the cable's other end" if kept else "")

        return await self._do(unplug, context)

    async def Swipe(self, request: pb.SwipeRequest, context: Context) -> pb.BenchDone:
        def swipe(site: Site, _mono: float) -> str:
            name = self._bench.plan.readers.get(request.reader, request.reader)
            site.reader(name)
            if not (0 < len(request.id_tag) <= LARGEST_ID_TAG and request.id_tag.isprintable()):
                raise ValueError(f"id tag {request.id_tag!r}: 1 to {LARGEST_ID_TAG} printable characters")
            self._bench.swipe(name, request.id_tag)
            return f"held id_tag={request.id_tag} to {name}"

        return await self._do(swipe, context)

    async def SetMeter(self, request: pb.SetMeterRequest, context: Context) -> pb.BenchDone:
        def set_meter(site: Site, mono: float) -> str:
            name = self._bench.plan.meters.get(request.meter, request.meter)
            match request.WhichOneof("change"):
                case "load":
                    amps = currents_from_wire(request.load)
                    site.load(name, amps, mono)
                    return f"{name}: " + ", ".join(f"L{n} {ma / 1000:g} A" for n, ma in enumerate(amps, 1))
                case "mode":
                    mode = mode_from_wire(request.mode)
                    site.switch(name, mode, mono)
                    return f"{name} is {mode.value}"
                case _:
                    raise ValueError(f"{request.meter}: neither a load nor a mode is given")

        return await self._do(set_meter, context)

    async def SetInput(self, request: pb.SetInputRequest, context: Context) -> pb.BenchDone:
        def set_input(_site: Site, _mono: float) -> str:
            known_input(self._bench.plan.nodes, request.node)
            if not 1 <= request.number <= LARGEST_INPUT:
                raise ValueError(f"input {request.number}: they are numbered from 1 to {LARGEST_INPUT}")
            self._bench.inputs[request.node, request.number] = request.high
            return f"{request.node}: input {request.number} is {'high' if request.high else 'low'}"

        return await self._do(set_input, context)

    async def SetFault(self, request: pb.SetFaultRequest, context: Context) -> pb.BenchDone:
        def set_fault(site: Site, mono: float) -> str:
            name = self._point(request.charge_point)
            known = [fault.value for fault in Fault]
            if request.fault not in known:
                raise ValueError(f"there is no fault {request.fault!r}; there are: {', '.join(known)}")
            site.break_down(name, Fault(request.fault), request.on, mono)
            return f"{name}: fault {request.fault} is {'on' if request.on else 'off'}"

        return await self._do(set_fault, context)

    async def SetTemperature(self, request: pb.SetTemperatureRequest, context: Context) -> pb.BenchDone:
        def set_temperature(site: Site, mono: float) -> str:
            name = self._point(request.charge_point)
            site.heat(name, celsius_from_wire(request.celsius), mono)
            return f"{name}: {request.celsius:g} °C"

        return await self._do(set_temperature, context)

    async def SetResidual(self, request: pb.SetResidualRequest, context: Context) -> pb.BenchDone:
        def set_residual(site: Site, mono: float) -> str:
            name = self._point(request.charge_point)
            site.leak(name, request.microamperes, mono)
            return f"{name}: {request.microamperes / 1000:g} mA residual current"

        return await self._do(set_residual, context)

    async def LinkDown(self, request: pb.LinkDownRequest, context: Context) -> pb.BenchDone:
        return await self._do(lambda _site, _mono: self._bench.set_link(up=False), context)

    async def LinkUp(self, request: pb.LinkUpRequest, context: Context) -> pb.BenchDone:
        return await self._do(lambda _site, _mono: self._bench.set_link(up=True), context)

    async def ClockJump(self, request: pb.ClockJumpRequest, context: Context) -> pb.BenchDone:
        text = (
            "the wall clock belongs to the node and its machine, the bench has none to move; clock jumps are tested in "
            "`chargepark simulate`"
        )
        return await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    # ------------------------------------------------------------ truth

    async def GetBench(self, request: pb.GetBenchRequest, context: Context) -> pb.BenchTruth:
        self._bench.pass_time()
        return truth(self._bench)

    async def WatchBench(self, request: pb.WatchBenchRequest, context: Context) -> AsyncIterator[pb.BenchSample]:
        queue = self._bench.watch()
        try:
            while (sample := await queue.get()) is not None:
                yield sample
        finally:
            self._bench.unwatch(queue)
        await context.abort(
            grpc.StatusCode.RESOURCE_EXHAUSTED, "watching ends here: too slow to keep up, or bench gone"
        )

    # ------------------------------------------------------------ drivers

    async def Attach(
        self, request_iterator: AsyncIterator[pb.DriverToBench], context: Context
    ) -> AsyncIterator[pb.BenchToDriver]:
        cable = await self._attach(request_iterator, context)
        commands = asyncio.create_task(self._obey(cable, request_iterator))
        try:
            async for message in cable.messages(self._bench.site, self._bench.inputs):
                message.stamp = self._bench.clock()
                yield message
        finally:
            commands.cancel()
            self._bench.detach(cable, "")
            log.info("driver detached: %s", cable.cut_because or "it ended")
        if cable.cut_because:
            await context.abort(grpc.StatusCode.ABORTED, cable.cut_because)

    async def _attach(self, requests: AsyncIterator[pb.DriverToBench], context: Context) -> Cable:
        try:
            async with asyncio.timeout(ATTACH_SECONDS):
                first = await anext(aiter(requests), None)
        except TimeoutError:
            first = None
        if first is None or first.WhichOneof("message") != "attach":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message of a driver is `attach`")
        try:
            cable = self._bench.attach(first.attach)
        except (BenchUnusable, BenchRefused) as error:
            await _abort(context, error)
        log.info("driver attached: node=%s devices=%s", first.attach.node or "-", ",".join(sorted(cable.back)))
        return cable

    async def _obey(self, cable: Cable, requests: AsyncIterator[pb.DriverToBench]) -> None:
        """Take commands until the driver goes; a command that makes no sense ends the link."""
        try:
            async for message in requests:
                self._bench.obey(cable, command_from_wire(message))
        except ValueError as error:
            self._bench.detach(cable, str(error))
        self._bench.detach(cable, "")

    # ------------------------------------------------------------ all of them

    def _point(self, name: str) -> str:
        return self._bench.plan.charge_points.get(name, name)

    async def _do(self, verb: Callable[[Site, float], str], context: Context) -> pb.BenchDone:
        done: list[str] = []
        try:
            self._bench.touch(lambda site, mono: done.append(verb(site, mono)))
        except (BenchUnusable, BenchRefused, ValueError) as error:
            await _abort(context, error)
        log.info("%s", done[0])
        return pb.BenchDone(text=done[0])


async def _abort(context: Context, error: Mistake) -> NoReturn:
    match error:
        case BenchUnusable():
            code = grpc.StatusCode.NOT_FOUND
        case BenchRefused():
            code = grpc.StatusCode.FAILED_PRECONDITION
        case _:
            code = grpc.StatusCode.INVALID_ARGUMENT
    await context.abort(code, str(error))

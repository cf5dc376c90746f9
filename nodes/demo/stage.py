"""The demo's hands and eyes: moves of the story become verbs of the bench; bench and node are asked what is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import grpc

from nodes.demo.layout import GRID_METER
from nodes.demo.ports import Ports
from nodes.demo.story import Arrive, HouseDraws, Leave, Move, ShowCard, Timed, in_words
from nodes.energy.decoding import decode
from nodes.rpc import bench_pb2, energy_pb2
from nodes.rpc.bench_codec import behaviour_to_wire, currents_to_wire
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.rpc.energy_pb2_grpc import EnergyManagerStub
from park.view import ParkView

if TYPE_CHECKING:
    from nodes.rpc.bench_pb2_grpc import BenchAsyncStub
    from nodes.rpc.energy_pb2_grpc import EnergyManagerAsyncStub

T = TypeVar("T")
PATIENCE_SECONDS = 5.0  # for one answer on loopback
OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment has no business on loopback
    ("grpc.initial_reconnect_backoff_ms", 100),  # the processes are just starting
    ("grpc.max_reconnect_backoff_ms", 500),
)


class Stage:
    """Bench and node of a demo, over their ports."""

    def __init__(self, bench: BenchAsyncStub, node: EnergyManagerAsyncStub) -> None:
        self._bench = bench
        self._node = node

    async def park(self) -> ParkView | None:
        """What the node knows; None: it does not answer."""
        return await _or_none(self._park())

    async def truth(self) -> bench_pb2.BenchTruth | None:
        """What really is; None: the bench does not answer."""
        return await _or_none(self._truth())

    async def play(self, moves: Iterable[Timed], tell: Callable[[str], None]) -> None:
        """Make the moves at their times from now on; `tell` hears each, and what the bench had against it."""
        began = asyncio.get_running_loop().time()
        for at, move in moves:
            await asyncio.sleep(began + at - asyncio.get_running_loop().time())
            try:
                await self._make(move)
                tell(in_words(move))
            except grpc.aio.AioRpcError as error:  # a person may have played too: the plug is taken, the car gone
                tell(f"{in_words(move)} – not possible: {error.details()}")

    async def _park(self) -> ParkView:
        return decode(await self._node.GetPark(energy_pb2.GetParkRequest(), timeout=PATIENCE_SECONDS))

    async def _truth(self) -> bench_pb2.BenchTruth:
        return await self._bench.GetBench(bench_pb2.GetBenchRequest(), timeout=PATIENCE_SECONDS)

    async def _make(self, move: Move) -> None:
        match move:
            case Arrive():
                await self._bench.Plug(_plug(move), timeout=PATIENCE_SECONDS)
            case Leave():
                request = bench_pb2.UnplugRequest(charge_point=move.charge_point)
                await self._bench.Unplug(request, timeout=PATIENCE_SECONDS)
            case ShowCard():
                swipe = bench_pb2.SwipeRequest(reader=move.reader, id_tag=move.id_tag)
                await self._bench.Swipe(swipe, timeout=PATIENCE_SECONDS)
            case HouseDraws():
                load = bench_pb2.SetMeterRequest(meter=GRID_METER, load=currents_to_wire(move.currents_ma))
                await self._bench.SetMeter(load, timeout=PATIENCE_SECONDS)


@asynccontextmanager
async def stage(ports: Ports) -> AsyncGenerator[Stage]:
    """Bench and node on these ports, for as long as the block runs."""
    async with (
        grpc.aio.insecure_channel(ports.address("bench"), options=OPTIONS) as bench,
        grpc.aio.insecure_channel(ports.address("energy"), options=OPTIONS) as node,
    ):
        yield Stage(BenchStub(bench), EnergyManagerStub(node))


def _plug(move: Arrive) -> bench_pb2.PlugRequest:
    car = move.vehicle
    return bench_pb2.PlugRequest(
        charge_point=move.charge_point,
        phases=car.phases,
        maximum_ma=car.maximum_ma,
        minimum_ma=car.minimum_ma,
        energy_wh=car.energy_wh,
        behaviour=behaviour_to_wire(car.behaviour),
    )


async def _or_none(question: Coroutine[object, object, T]) -> T | None:
    try:
        return await question
    except grpc.aio.AioRpcError:  # not up yet, or not any more: whoever watches the processes knows why
        return None

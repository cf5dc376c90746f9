"""A charge point whose controller gave up is left in state F, also when its electronics were away just then."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from support.bench_process import PATIENCE, Rig, running_bench
from support.probe import Probe

from actors.address import Nowhere
from actors.charge_point import ChargePoint
from actors.messages import ChargePointMessage, DriverMessage
from actors.supervision import GaveUp, SupervisionReport
from actors.supervisor import RestartPolicy
from nodes.board import Identities, leading_board, owned_names
from nodes.bridge import Backoff, Outbox, keep_running
from nodes.checked_config import read_checked
from nodes.drivers import virtual
from nodes.field import ThreadWorld
from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.simulation.store import SimulatedStore
from nodes.simulation.world import SimulatedWorld
from nodes.wiring import Edges, Park, Roles, wire
from park.physics.hardware import TRAITS


class NeverWell(ChargePoint):
    def receive(self, message: ChargePointMessage) -> None:
        raise RuntimeError(type(message).__name__)


@contextlib.asynccontextmanager
async def park_of_the_unwell(rig: Rig, reports: Probe[SupervisionReport]) -> AsyncIterator[Park]:
    """The actors of a node and its driver; the other edges lead nowhere."""
    config = read_checked(rig.config, lambda _: TRAITS).config
    numbers, nobody = itertools.count(), Nowhere()
    board = leading_board(config, Identities("boot", "J", "S", 1, lambda: f"id-{next(numbers)}"), "test")
    orders: Outbox[DriverMessage] = Outbox()
    world = ThreadWorld()
    edges = Edges(SimulatedStore(SimulatedWorld(1)), orders, nobody, nobody, nobody, nobody, nobody)
    policy = RestartPolicy(backoff=(0.0,), limit=1)
    park = wire(world, board, edges, reports, policy=policy, roles=Roles(charge_point=NeverWell))
    names = owned_names(config)
    park.supervisor.start()
    drive = keep_running(
        "bench",
        lambda: virtual.run(rig.target, names, ("door",), orders, park.charge_points, park.readers, "garage-1"),
        backoff=Backoff(0.05, 0.05),
    )
    task = asyncio.create_task(drive)
    try:
        yield park
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(park.supervisor.stop)
        world.close()


@pytest.mark.rule("B-250")
async def test_the_farewell_waits_for_electronics_that_are_away(tmp_path: Path) -> None:
    reports: Probe[SupervisionReport] = Probe()
    with running_bench(tmp_path) as rig:
        async with grpc.aio.insecure_channel(rig.target) as channel:
            stub = BenchStub(channel)
            call = stub.Attach()
            await call.write(pb.DriverToBench(attach=pb.AttachTo(charge_points=["cp1"])))
            offer = pb.SignalCommand(
                charge_point="cp1", output=pb.PILOT_DRIVE_PWM, amps_ma=16_000, valid_for=600.0, lapse_ma=6_000, token=9
            )
            await call.write(pb.DriverToBench(signal=offer))
            async with asyncio.timeout(PATIENCE):
                async for sample in stub.WatchBench(pb.WatchBenchRequest()):
                    if sample.evses[0].signalled_ma == 16_000:
                        break
            await stub.LinkDown(pb.LinkDownRequest())
            async with park_of_the_unwell(rig, reports):
                await asyncio.to_thread(
                    reports.expect, lambda told: isinstance(told, GaveUp) and told.name == "garage-1/cp2"
                )
                assert (await stub.GetBench(pb.GetBenchRequest())).evses[0].levels.signalled_ma == 16_000
                await stub.LinkUp(pb.LinkUpRequest())
                async with asyncio.timeout(PATIENCE):
                    async for sample in stub.WatchBench(pb.WatchBenchRequest()):
                        if all(each.output == pb.PILOT_DRIVE_FAULT for each in sample.evses):
                            break
                truth = await stub.GetBench(pb.GetBenchRequest())
                assert [each.levels.signalled_ma for each in truth.evses] == [0, 0]

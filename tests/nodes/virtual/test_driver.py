"""The driver and the bench over a real socket: levels up, commands down, and every way the link ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc
import pytest
from pymodbus.client import AsyncModbusTcpClient
from support.bench_process import PATIENCE, Rig
from support.ports import free_ports
from support.stalled_proxy import Proxy

from nodes.bridge import Outbox
from nodes.drivers.virtual import TRAITS, Aside, Command, Inputs, run
from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from park.model.access import Feedback, ReaderLost, ShowFeedback, TagRead
from park.model.autocharge import VehicleIdentified
from park.model.evse import (
    EvseLost,
    EvseReported,
    PilotOutput,
    PilotState,
    ReportLevels,
    SetContactor,
    SetLock,
    Signal,
)
from park.model.limit import InputChanged

if TYPE_CHECKING:
    from nodes.rpc.bench_pb2_grpc import BenchAsyncStub

M = TypeVar("M")


class Inbox(Generic[M]):
    """An address whose messages a coroutine can wait for."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[M] = asyncio.Queue()

    def tell(self, message: M, /) -> None:
        self._queue.put_nowait(message)

    async def expect(self, suits: Callable[[M], bool]) -> M:
        """Wait for the next message that suits; those before it are dropped."""
        async with asyncio.timeout(PATIENCE):
            while not suits(message := await self._queue.get()):
                pass
            return message


class Node:
    """The node's end of the cable, with the actors replaced by inboxes."""

    def __init__(self, target: str, points: tuple[str, ...] = ("cp1", "cp2"), node: str = "") -> None:
        self.target, self.points, self.node = target, points, node
        self.outbox: Outbox[Command] = Outbox()
        self.point: dict[str, Inbox[EvseReported | EvseLost]] = {name: Inbox() for name in points}
        self.reader: dict[str, Inbox[TagRead | ReaderLost]] = {"door": Inbox()}
        self.inputs: Inbox[InputChanged] = Inbox()
        self.vehicles: Inbox[VehicleIdentified] = Inbox()
        self.listens: tuple[int, ...] = ()

    async def run(self) -> None:
        aside = Aside(Inputs(self.node, self.listens, self.inputs), self.vehicles)
        await run(self.target, self.points, ("door",), self.outbox, self.point, self.reader, self.node, aside)

    async def reported(self, suits: Callable[[EvseReported], bool] = lambda _: True, name: str = "cp1") -> EvseReported:
        found = await self.point[name].expect(lambda message: isinstance(message, EvseReported) and suits(message))
        assert isinstance(found, EvseReported)
        return found

    async def lost(self, name: str = "cp1") -> str:
        found = await self.point[name].expect(lambda message: isinstance(message, EvseLost))
        assert isinstance(found, EvseLost)
        return found.reason

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Attached while the block runs."""
        task = asyncio.create_task(self.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def verbs(rig: Rig) -> AsyncIterator[BenchAsyncStub]:
    async with grpc.aio.insecure_channel(rig.target) as channel:
        stub = BenchStub(channel)
        yield stub
        truth = await stub.GetBench(pb.GetBenchRequest())
        for evse in truth.evses:
            if evse.HasField("vehicle"):
                await stub.Unplug(pb.UnplugRequest(charge_point=evse.charge_point))
        await stub.LinkUp(pb.LinkUpRequest())


async def evse(stub: BenchAsyncStub, name: str = "cp1") -> pb.EvseTruth:
    truth = await stub.GetBench(pb.GetBenchRequest())
    return next(each for each in truth.evses if each.charge_point == name)


def offer(
    amps_ma: int, token: int, valid_for: float = 30.0, lapse_ma: int = 0, point: str = "cp1", waited: float = 0.0
) -> Signal:
    """An offer made `waited` seconds ago."""
    until = time.monotonic() - waited + valid_for
    return Signal(point, PilotOutput.PWM, amps_ma, (1, 2, 3), valid_for, lapse_ma, token, until)


async def test_from_plug_to_current_and_the_meter_shows_it(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig) as stub, node.running():
        first = await node.reported()
        assert (first.pilot, first.output, first.contactor_closed) == (PilotState.A, PilotOutput.IDLE, False)
        assert (await node.reported(name="cp2")).lock_closed is None
        await stub.Plug(pb.PlugRequest(charge_point="cp1", maximum_ma=16_000))
        assert (await node.reported(lambda r: r.pilot is PilotState.B)).proximity_ohms == 680.0
        node.outbox.tell(SetLock("cp1", closed=True))
        await node.reported(lambda r: r.lock_closed is True)
        node.outbox.tell(SetContactor("cp1", closed=True))
        node.outbox.tell(offer(13_500, token=41, lapse_ma=6_000))
        echoed = await node.reported(lambda r: r.token == 41)
        assert (echoed.signalled_ma, echoed.lapse_ma, echoed.output) == (13_500, 6_000, PilotOutput.PWM)
        charging = await node.reported(lambda r: r.contactor_closed)
        assert charging.pilot is PilotState.C
        truth = await evse(stub)
        assert (truth.currents.l1_ma, truth.currents.l2_ma, truth.currents.l3_ma) == (13_500, 13_500, 13_500)
        assert truth.attached
        async with AsyncModbusTcpClient("127.0.0.1", port=rig.points_port, timeout=5) as client:
            answer = await client.read_input_registers(6, count=2, device_id=11)
            assert client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32) == 13.5
        node.outbox.tell(SetLock("cp1", closed=False))
        node.outbox.tell(Signal("cp1", PilotOutput.IDLE, 0, (1, 2, 3), 30.0, 0, 42))
        await node.reported(lambda r: r.pilot is PilotState.B and not r.contactor_closed)


class Defective:
    """Commands that cannot be read: a fault of ours, not of the wire."""

    def depth(self) -> int:
        return 0

    async def __aiter__(self) -> AsyncIterator[Command]:
        raise RuntimeError("a defect")
        yield


async def test_a_defect_is_raised_as_it_is_after_everybody_was_told_of_the_loss(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig):
        with pytest.raises(RuntimeError, match="a defect"):
            await run(node.target, node.points, ("door",), Defective(), node.point, node.reader)
        assert "a defect" in await node.lost()
        assert isinstance(await node.reader["door"].expect(lambda _: True), ReaderLost)


class Cancelled:
    """Commands whose sending ends as it does when the call was given up: cancelled, though nobody cancelled it."""

    def depth(self) -> int:
        return 0

    async def __aiter__(self) -> AsyncIterator[Command]:
        raise asyncio.CancelledError
        yield


async def test_a_call_given_up_while_it_sends_is_a_lost_link(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig):
        with pytest.raises(ConnectionError, match="the link was given up"):
            await run(node.target, node.points, ("door",), Cancelled(), node.point, node.reader)
        assert "the link was given up" in await node.lost()


async def test_cards_up_and_feedback_down(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig) as stub, node.running():
        await node.reported()
        await stub.Swipe(pb.SwipeRequest(reader="door", id_tag="04A1B2C3"))
        assert await node.reader["door"].expect(lambda _: True) == TagRead("door", "04A1B2C3")
        node.outbox.tell(ShowFeedback("door", Feedback.REFUSED))
        node.outbox.tell(ReportLevels("cp1"))  # answered after the feedback was obeyed
        await node.reported()
        truth = await stub.GetBench(pb.GetBenchRequest())
        assert truth.readers[0].feedback == pb.READER_FEEDBACK_REFUSED


@pytest.mark.rule("B-063")
async def test_a_vehicle_tells_its_mac_once_a_link(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig) as stub:
        async with node.running():
            await node.reported()
            for name in node.points:
                node.outbox.tell(Signal(name, PilotOutput.DIGITAL, 0, (1, 2, 3), 3600.0, 0, 1))
            await node.reported(lambda levels: levels.output is PilotOutput.DIGITAL)
            await node.reported(lambda levels: levels.output is PilotOutput.DIGITAL, "cp2")
            await stub.Plug(pb.PlugRequest(charge_point="cp2", mac="02:00:00:00:00:02"))
            told = [await node.vehicles.expect(lambda _: True)]
            await stub.Unplug(pb.UnplugRequest(charge_point="cp2"))
            await stub.Plug(pb.PlugRequest(charge_point="cp2", mac="nonsense"))
            told.append(await node.vehicles.expect(lambda _: True))
            await stub.Plug(pb.PlugRequest(charge_point="cp1", mac="02:00:00:00:00:01"))
            other = await node.vehicles.expect(lambda _: True)  # a second later: nothing was told twice
            assert other == VehicleIdentified("slac:cp1", "cp1", "02:00:00:00:00:01")
            await stub.Unplug(pb.UnplugRequest(charge_point="cp1"))
        assert told == [VehicleIdentified("slac:cp2", "cp2", mac) for mac in ("02:00:00:00:00:02", "nonsense")]
        again = Node(rig.target)
        async with again.running():
            assert await again.vehicles.expect(lambda _: True) == told[-1]


async def test_a_mac_is_short(rig: Rig):
    async with verbs(rig) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="up to 40 printable characters"):
            await stub.Plug(pb.PlugRequest(charge_point="cp1", mac="0" * 41))


async def test_names_with_their_node_and_asking_for_levels(rig: Rig):
    node = Node(rig.target, ("garage-1/cp1",))
    async with node.running():
        assert (await node.reported(name="garage-1/cp1")).charge_point == "garage-1/cp1"
        node.outbox.tell(ReportLevels("garage-1/cp1"))
        await node.reported(name="garage-1/cp1")
    other = Node(rig.target, ("cp1",), node="garage-1")
    async with other.running():
        assert (await other.reported()).charge_point == "cp1"


async def test_what_waited_before_the_link_is_not_said(rig: Rig):
    node = Node(rig.target)
    node.outbox.tell(offer(16_000, token=7_777))
    async with verbs(rig), node.running():
        assert (await node.reported()).token != 7_777
        node.outbox.tell(offer(10_000, token=7_778))
        assert (await node.reported(lambda r: r.token in {7_777, 7_778})).token == 7_778


LEASE = 2.0
LATE = 8.0  # far beyond any lease; the way to the bench stands still so long


async def test_a_signal_the_wire_delivers_late_does_not_raise_the_pilot(rig: Rig):
    """S2: the validity counts from when it was given, so a stalled socket shortens it and stretches nothing."""
    proxy = Proxy(rig.target)
    async with verbs(rig) as stub, proxy.running():
        node = Node(proxy.address)
        async with node.running():
            await node.reported()
            await stub.Plug(pb.PlugRequest(charge_point="cp1"))
            node.outbox.tell(offer(16_000, token=51, valid_for=LEASE, lapse_ma=6_000))
            assert (await node.reported(lambda r: r.token == 51)).signalled_ma == 16_000
            proxy.stall()
            told_at = time.monotonic()
            node.outbox.tell(offer(20_000, token=52, valid_for=LEASE, lapse_ma=6_000))
            after = 0
            async with asyncio.timeout(2 * PATIENCE):
                async for sample in stub.WatchBench(pb.WatchBenchRequest()):
                    cp1 = next(each for each in sample.evses if each.charge_point == "cp1")
                    if sample.mono >= told_at + LEASE + 1.0:
                        assert cp1.signalled_ma <= 6_000, (cp1.token, sample.mono - told_at)
                    if sample.mono >= told_at + LATE:
                        proxy.release()
                    after += cp1.token == 52
                    if after > 20:  # two seconds: as long as it would have held
                        assert cp1.deadman_tripped
                        break
            node.outbox.tell(offer(13_000, token=53, valid_for=LEASE, lapse_ma=6_000))
            assert (await node.reported(lambda r: r.token == 53)).signalled_ma == 13_000


async def test_the_time_a_signal_waited_in_the_node_is_not_added_to_its_validity(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig), node.running():
        await node.reported()
        node.outbox.tell(offer(10_000, token=61, valid_for=30.0))
        await node.reported(lambda r: r.token == 61)
        node.outbox.tell(offer(16_000, token=62, valid_for=60.0, lapse_ma=6_000, waited=58.0))
        held = await node.reported(lambda r: r.token == 62)
        assert (held.signalled_ma, held.deadman_tripped) == (16_000, False)
        fallen = await node.reported(lambda r: r.deadman_tripped)
        assert (fallen.token, fallen.signalled_ma) == (62, 6_000)
        node.outbox.tell(offer(32_000, token=63, valid_for=10.0, lapse_ma=20_000, waited=11.0))
        over = await node.reported(lambda r: r.token == 63)
        assert (over.signalled_ma, over.deadman_tripped) == (6_000, True)


async def test_a_driver_that_echoes_no_stamp_is_understood(rig: Rig):
    """One of an older version: its validity counts from receipt."""
    async with verbs(rig), grpc.aio.insecure_channel(rig.target) as channel:
        call = BenchStub(channel).Attach()
        await call.write(pb.DriverToBench(attach=pb.AttachTo(charge_points=["cp1"])))
        signal_command = pb.SignalCommand(
            charge_point="cp1", output=pb.PILOT_DRIVE_PWM, amps_ma=9_000, valid_for=30.0, token=71
        )
        await call.write(pb.DriverToBench(signal=signal_command))
        async with asyncio.timeout(PATIENCE):
            while isinstance(message := await call.read(), pb.BenchToDriver) and message.levels.token != 71:
                assert message.stamp > 0
        assert isinstance(message, pb.BenchToDriver)
        assert message.levels.signalled_ma == 9_000


async def test_no_bench_is_told_to_everyone_with_the_remedy():
    node = Node(f"127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(ConnectionError, match="chargepark bench serve"):
        await node.run()
    assert "chargepark bench serve" in await node.lost("cp2")
    assert isinstance(await node.reader["door"].expect(lambda _: True), ReaderLost)


async def test_an_unknown_name_is_answered_with_the_known_ones(rig: Rig):
    with pytest.raises(ConnectionError, match="no charge point 'cp9' on this bench; it has: cp1, cp2"):
        await Node(rig.target, ("cp9",)).run()


async def test_a_cut_cable_and_its_mending(rig: Rig):
    node = Node(rig.target)
    async with verbs(rig) as stub:
        async with node.running() as task:
            await node.reported()
            await stub.LinkDown(pb.LinkDownRequest())
            assert "the link is down" in await node.lost()
            with pytest.raises(ConnectionError, match="the link is down"):
                await task
        with pytest.raises(ConnectionError, match="the link is down"):
            await node.run()
        await stub.LinkUp(pb.LinkUpRequest())
        async with node.running():
            await node.reported()


async def test_a_second_driver_takes_the_hardware_over(rig: Rig):
    ghost, node = Node(rig.target), Node(rig.target)
    async with ghost.running():
        await ghost.reported()
        async with node.running():
            await node.reported()
            assert "another driver attached" in await ghost.lost()


async def test_the_outbox_s_end_ends_the_driver(rig: Rig):
    node = Node(rig.target)
    async with node.running() as task:
        await node.reported()
        node.outbox.close()
        async with asyncio.timeout(PATIENCE):
            assert await task is None


async def read_to_the_end(call: grpc.aio.StreamStreamCall[pb.DriverToBench, pb.BenchToDriver]) -> None:
    async with asyncio.timeout(PATIENCE):
        while isinstance(await call.read(), pb.BenchToDriver):
            pass


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (pb.DriverToBench(attach=pb.AttachTo()), "attached already"),
        (pb.DriverToBench(), "empty or unknown"),
        (pb.DriverToBench(lock=pb.LockCommand(charge_point="cp2")), "'cp2' is not attached; this driver has: cp1"),
        (pb.DriverToBench(feedback=pb.FeedbackCommand(reader="cp1", feedback=pb.READER_FEEDBACK_WAIT)), "not attached"),
        (pb.DriverToBench(feedback=pb.FeedbackCommand(reader="door")), "feedback 0 is not known"),
        (pb.DriverToBench(signal=pb.SignalCommand(charge_point="cp1")), "pilot output 0 is not known"),
        (
            pb.DriverToBench(
                signal=pb.SignalCommand(charge_point="cp1", output=pb.PILOT_DRIVE_PWM, valid_for=float("nan"))
            ),
            "valid for nan s",
        ),
        (
            pb.DriverToBench(
                signal=pb.SignalCommand(charge_point="cp1", output=pb.PILOT_DRIVE_PWM, stamp=float("inf"))
            ),
            "stamp inf",
        ),
        (
            pb.DriverToBench(signal=pb.SignalCommand(charge_point="cp1", output=pb.PILOT_DRIVE_PWM, valid_for=1e9)),
            "valid for 1000000000.0 s",
        ),
        (
            pb.DriverToBench(
                signal=pb.SignalCommand(charge_point="cp1", output=pb.PILOT_DRIVE_PWM, amps_ma=4_000_000_000)
            ),
            "no current of a charging park",
        ),
    ],
)
async def test_nonsense_ends_the_link_with_a_reason(rig: Rig, message: pb.DriverToBench, reason: str):
    async with grpc.aio.insecure_channel(rig.target) as channel:
        call = BenchStub(channel).Attach()
        await call.write(pb.DriverToBench(attach=pb.AttachTo(charge_points=["cp1"])))
        await call.write(message)
        with pytest.raises(grpc.aio.AioRpcError, match=reason) as ended:
            await read_to_the_end(call)
        assert ended.value.code() is grpc.StatusCode.ABORTED


async def test_the_first_message_must_attach(rig: Rig):
    async with grpc.aio.insecure_channel(rig.target) as channel:
        call = BenchStub(channel).Attach()
        await call.write(pb.DriverToBench(lock=pb.LockCommand(charge_point="cp1")))
        with pytest.raises(grpc.aio.AioRpcError, match="first message of a driver is `attach`"):
            await call.read()


async def test_a_stopped_bench_is_noticed_by_its_silence(rig: Rig):
    node = Node(rig.target)
    async with node.running():
        await node.reported()
        rig.process.send_signal(signal.SIGSTOP)
        try:
            assert "no answer" in await node.lost()
        finally:
            rig.process.send_signal(signal.SIGCONT)


DRIVER = """
import asyncio, sys
from nodes.bridge import Outbox
from nodes.drivers.virtual import run
from park.model.evse import PilotOutput, SetContactor, Signal

class Node:
    def tell(self, message):
        if message.token < 0 or not told:
            told.append(message)
            outbox.tell(SetContactor("cp1", True))
            outbox.tell(Signal("cp1", PilotOutput.PWM, 16000, (1, 2, 3), 3.0, 6000, 900))

async def main():
    global outbox
    outbox = Outbox()
    await run(sys.argv[1], ["cp1"], [], outbox, {"cp1": Node()}, {})

told = []
asyncio.run(main())
"""


async def test_a_killed_driver_leaves_the_deadman_to_act(rig: Rig):
    """S2: without a valid grant not more than the lapse current, enforced outside the process that died."""
    async with verbs(rig) as stub:
        await stub.Plug(pb.PlugRequest(charge_point="cp1"))
        driver = await asyncio.create_subprocess_exec(sys.executable, "-c", DRIVER, rig.target)
        offered_at = None
        try:
            async with asyncio.timeout(2 * PATIENCE):
                async for sample in stub.WatchBench(pb.WatchBenchRequest()):
                    cp1 = next(each for each in sample.evses if each.charge_point == "cp1")
                    if offered_at is None and cp1.token == 900:
                        offered_at = sample.mono
                        driver.kill()
                    if offered_at is None:
                        continue
                    if sample.mono >= offered_at + 3.0:  # valid_for, from at latest this sample
                        assert (cp1.deadman_tripped, cp1.signalled_ma) == (True, 6_000)
                    if cp1.deadman_tripped and cp1.contactor_closed and cp1.currents.l1_ma == 6_000:
                        break
        finally:
            with contextlib.suppress(ProcessLookupError):
                driver.kill()
            await driver.wait()
        assert TRAITS.has_deadman


@pytest.mark.rule("B-093")
async def test_a_digital_input_is_heard_at_once_on_change_and_again_and_not_known_when_the_link_is_lost(rig: Rig):
    node = Node(rig.target, node="garage-1")
    node.listens = (1, 3)
    async with verbs(rig) as stub, node.running():
        await stub.SetInput(pb.SetInputRequest(node="garage-1", number=3, high=False))
        await node.inputs.expect(lambda told: told == InputChanged("garage-1", 3, high=False))
        await stub.SetInput(pb.SetInputRequest(node="garage-1", number=3, high=True))
        await stub.SetInput(pb.SetInputRequest(node="garage-1", number=2, high=True))  # nobody asked
        await node.inputs.expect(lambda told: told == InputChanged("garage-1", 3, high=True))
        await node.inputs.expect(lambda told: told == InputChanged("garage-1", 3, high=True))  # with the next beat
        await stub.LinkDown(pb.LinkDownRequest())
        await node.inputs.expect(lambda told: told == InputChanged("garage-1", 3, high=None))
        await stub.SetInput(pb.SetInputRequest(node="garage-1", number=3, high=False))

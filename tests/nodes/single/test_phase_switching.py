"""A car is switched from three phases to one and back: real node, real bench, everything that flows looked at."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from support.rig import Rig, eventually, rig

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.virtual.client import OPTIONS
from park.load.circuit import Circuit
from park.load.invariants import Cause, OverloadWatch
from park.model.electric import ZERO, PerPhase, add, subtract
from park.view.rows import ChargePointRow

pytestmark = pytest.mark.slow

ADA = "04A1B2C3"
FUSE = 63
FUSES = (FUSE * 1_000, FUSE * 1_000, FUSE * 1_000)
HOUSE, ONE_ONLY = 10, 59  # A beside the cars; with the second on L2 no vehicle gets its minimum there
PAUSE_SECONDS = 10.0  # B-288: the shortest
PATIENCE = 60.0  # a switch and the time its reason must last, several times over


def switching(made: Rig) -> None:
    """Two poles at cp1, as quick as may be."""
    text = made.config.path.read_text(encoding="utf-8")
    text = text.replace("interval_seconds = 1\n", "interval_seconds = 1\nphase_switch_seconds = 10\n", 1)
    point = '[[charge_point]]\nname = "cp1"\n'
    poles = f"{point}phase_switching = true\nphase_switching_pause_seconds = {PAUSE_SECONDS}\n"
    made.config.path.write_text(text.replace(point, poles, 1), encoding="utf-8")


class Watch:
    """Looks at every sample of the bench. `wrong`: what must never be. `phases`: as current flowed, in order."""

    def __init__(self, port: int) -> None:
        self.samples = 0
        self.wrong: list[str] = []
        self.phases: list[int] = []
        self.gaps: list[float] = []  # seconds from the last current to the next
        self.overload = OverloadWatch(Circuit("grid", FUSES), tolerance_ma=100)
        self._flowed_at: float | None = None
        self._secondary: bool | None = None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
        self._stream = BenchStub(self._channel).WatchBench(pb.WatchBenchRequest())
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stream.cancel()
        self._thread.join(10)
        self._channel.close()

    def _watch(self) -> None:
        try:
            for sample in self._stream:
                self.samples += 1
                self._look_at_fuse(sample)
                self._look(next(each for each in sample.evses if each.charge_point == "cp1"), sample.mono)
        except grpc.RpcError:
            pass  # closed: then the test sees too few samples

    def _look_at_fuse(self, sample: pb.BenchSample) -> None:
        own = ZERO
        for evse in sample.evses:
            own = add(own, _amps(evse.currents))
        external = subtract(_amps(sample.circuits[0].currents), own)
        found = self.overload.observe(sample.mono, FUSES, own, external)
        self.wrong += [f"{each.invariant}: {each.detail}" for each in found]

    def _look(self, evse: pb.EvseSample, mono: float) -> None:
        l1, l2, l3 = _amps(evse.currents)
        if evse.torn:
            self.wrong.append("the secondary pole moved under load")
        if not evse.secondary_closed and (l2 or l3):
            self.wrong.append("current on a phase whose pole is open")
        if evse.secondary_closed is not self._secondary and evse.contactor_closed and self._secondary is not None:
            self.wrong.append("the secondary pole moved while the primary one was closed")
        self._secondary = evse.secondary_closed
        if not l1:
            return
        number = 1 + bool(l2) + bool(l3)
        if not self.phases or self.phases[-1] != number:
            self.phases.append(number)
            if self._flowed_at is not None:
                self.gaps.append(mono - self._flowed_at)
        self._flowed_at = mono


def _amps(currents: pb.PhaseCurrents) -> PerPhase:
    return (currents.l1_ma, currents.l2_ma, currents.l3_ma)


def row(made: Rig) -> ChargePointRow | None:
    view = made.view()
    rows = () if view is None else view.charge_points
    return next((each for each in rows if each.name == "board/cp1"), None)


def granted(made: Rig) -> tuple[int, ...]:
    found = row(made)
    return () if found is None or found.grant is None else found.grant.phases


def faults(made: Rig) -> list[str]:
    found = row(made)
    return [] if found is None else [fault.code for fault in found.faults]


@contextmanager
def watched(directory: Path) -> Generator[tuple[Rig, Watch]]:
    with rig(directory, backend=False, mode="whitelist", fallback=0, limit=FUSE, window=1) as made:
        switching(made)
        made.kill("bench")
        made.start_bench()
        made.load("grid-meter", HOUSE)
        watch = Watch(made.config.bench)
        try:
            made.start_node()
            eventually("the node is online", made.online)
            eventually("it is ready for three phases", lambda: granted(made) == (1, 2, 3))
            made.plug("cp1", energy_wh=100_000)
            made.swipe(ADA, "cp1-reader")
            eventually("three phases", lambda: watch.phases == [3], PATIENCE)
            yield made, watch
        finally:
            watch.close()


@pytest.mark.rule("B-285")
@pytest.mark.rule("B-286")
@pytest.mark.rule("B-288")
@pytest.mark.rule("B-289")
@pytest.mark.rule("B-291")
def test_a_car_goes_to_one_phase_and_back_to_three_in_one_session(tmp_path: Path) -> None:
    with watched(tmp_path) as (park, watch):
        park.load("grid-meter", HOUSE, l2=ONE_ONLY)
        eventually("one phase", lambda: watch.phases == [3, 1], PATIENCE)
        park.load("grid-meter", HOUSE)
        eventually("three again", lambda: watch.phases == [3, 1, 3], PATIENCE)
        park.unplug("cp1")
        eventually("the car is gone", lambda: park.pilot("cp1") == "A")
        assert watch.wrong == []
        assert watch.samples > 100
        assert all(gap >= PAUSE_SECONDS for gap in watch.gaps)
        assert len(park.evse("cp1").visits) == 1
        assert park.end("node") == 0
        assert "Traceback" not in park.log("node")


def test_a_node_killed_while_it_switches_goes_on_where_the_poles_are(tmp_path: Path) -> None:
    with watched(tmp_path) as (park, watch):
        park.load("grid-meter", HOUSE, l2=ONE_ONLY)
        eventually("the poles are open", lambda: not park.evse("cp1").levels.secondary_closed, PATIENCE)
        watch.overload.began(Cause.RESTART)
        park.kill("node")
        park.start_node()
        eventually("one phase", lambda: watch.phases == [3, 1], PATIENCE)
        assert watch.wrong == []
        assert park.end("node") == 0


def test_a_welded_secondary_pole_stops_the_session_and_is_shown(tmp_path: Path) -> None:
    with watched(tmp_path) as (park, watch):
        park.fault("cp1", "welded-secondary", on=True)
        park.load("grid-meter", HOUSE, l2=ONE_ONLY)
        eventually("the fault is shown", lambda: faults(park) == ["ContactorFeedback"], PATIENCE)
        eventually("no current flows", lambda: not park.charging("cp1"))
        assert watch.phases == [3]
        assert watch.wrong == []
        assert park.end("node") == 0

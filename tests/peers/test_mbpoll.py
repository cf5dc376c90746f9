"""mbpoll, a stranger's Modbus master, reads the virtual meters: what it prints is what really flows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import grpc
import pytest
from support.bench_process import PATIENCE, Rig, running_bench

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub

pytestmark = pytest.mark.peer("mbpoll")
INPUT_FLOATS, HOLDING_FLOATS = "3:float", "4:float"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_bench(tmp_path_factory.mktemp("bench")) as running:
        yield running


def mbpoll(port: int, unit: int, first: int, count: int, kind: str = INPUT_FLOATS) -> list[float]:
    """Floats from PDU address `first` on, high word first; AssertionError with mbpoll's words if it fails."""
    command = f"mbpoll -1 -0 -q -B -o 2 -m tcp -p {port} -a {unit} -t {kind} -r {first} -c {count} 127.0.0.1".split()
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return [float(value) for value in re.findall(r"^\[\d+\]:\s+(\S+)$", done.stdout, re.MULTILINE)]


def do(rig: Rig, amps: tuple[int, int, int] | None = None, mode: pb.MeterMode.ValueType = pb.METER_MODE_LIVE) -> None:
    load = None if amps is None else pb.PhaseCurrents(l1_ma=amps[0], l2_ma=amps[1], l3_ma=amps[2])
    request = (
        pb.SetMeterRequest(meter="grid-meter", mode=mode)
        if load is None
        else pb.SetMeterRequest(meter="grid-meter", load=load)
    )
    with grpc.insecure_channel(rig.target) as channel:
        BenchStub(channel).SetMeter(request, timeout=PATIENCE)


def grid_meter(rig: Rig) -> pb.MeterTruth:
    with grpc.insecure_channel(rig.target) as channel:
        truth = BenchStub(channel).GetBench(pb.GetBenchRequest(), timeout=PATIENCE)
    return next(meter for meter in truth.meters if meter.meter == "grid-meter")


@pytest.mark.parametrize("kind", [INPUT_FLOATS, HOLDING_FLOATS])
def test_values_equal_the_truth(rig: Rig, kind: str):
    do(rig, (12_345, 20_000, -7_500))
    truth = grid_meter(rig)
    assert mbpoll(rig.grid_port, 1, 0, 9, kind) == pytest.approx(
        [230, 230, 230, 12.345, 20, 7.5, 2_839.35, 4_600, -1_725], rel=1e-5
    )
    assert mbpoll(rig.grid_port, 1, 52, 1, kind) == [pytest.approx(truth.power_w, abs=0.5)]
    assert mbpoll(rig.grid_port, 1, 70, 1, kind) == [50.0]


def test_energy_equals_the_register_within_a_watt_hour(rig: Rig):
    do(rig, (63_000, 63_000, 63_000))
    before = grid_meter(rig)
    imported, exported, total = (round(mbpoll(rig.grid_port, 1, at, 1)[0] * 1000) for at in (72, 74, 342))
    after = grid_meter(rig)
    assert before.import_wh <= imported <= after.import_wh
    assert before.export_wh <= exported <= after.export_wh
    assert before.import_wh + before.export_wh <= total <= after.import_wh + after.export_wh


def test_a_frozen_meter_repeats_itself_a_restored_one_tells_the_truth(rig: Rig):
    do(rig, (10_000, 0, 0))
    do(rig, mode=pb.METER_MODE_FROZEN)
    do(rig, (20_000, 0, 0))
    assert mbpoll(rig.grid_port, 1, 6, 1) == [10.0]
    do(rig)
    assert mbpoll(rig.grid_port, 1, 6, 1) == [20.0]


def test_a_silent_meter_times_out(rig: Rig):
    do(rig, mode=pb.METER_MODE_SILENT)
    try:
        with pytest.raises(AssertionError, match="timed out"):
            mbpoll(rig.grid_port, 1, 6, 1)
    finally:
        do(rig)


def test_another_unit_identifier_is_refused(rig: Rig):
    with pytest.raises(AssertionError, match=r"(?i)target device failed to respond"):
        mbpoll(rig.grid_port, 5, 6, 1)

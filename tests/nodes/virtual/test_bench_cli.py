"""The verbs of `chargepark bench` against a running bench, and the ways `serve` refuses to start."""

from __future__ import annotations

import socket
import subprocess

import grpc
import pytest
from support.bench_process import COMMAND, PATIENCE, Rig, write_config
from support.ports import free_ports
from typer.testing import CliRunner, Result

from nodes.cli.bench import app
from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from park.errors import BenchRefused, BenchUnusable


def do(rig: Rig, *verb: str) -> Result:
    return CliRunner().invoke(app, [*verb, "--target", rig.target])


def truth(rig: Rig) -> pb.BenchTruth:
    with grpc.insecure_channel(rig.target) as channel:
        return BenchStub(channel).GetBench(pb.GetBenchRequest(), timeout=PATIENCE)


def test_a_car_with_all_its_options(rig: Rig):
    current = ["--phases", "1", "--max-current", "16", "--min-current", "8", "--cable", "32"]
    assert do(rig, "plug", "cp1", *current, "--energy", "500", "--behaviour", "greedy").exit_code == 0
    cp1 = truth(rig).evses[0]
    car = cp1.vehicle
    assert (car.phases, car.maximum_ma, car.minimum_ma, car.energy_wh) == (1, 16_000, 8_000, 500.0)
    assert (car.behaviour, cp1.levels.proximity_ohms) == (pb.VEHICLE_BEHAVIOUR_GREEDY, 220.0)
    assert do(rig, "unplug", "cp1").exit_code == 0
    after = truth(rig).evses[0]
    assert not after.HasField("vehicle")
    assert after.visits[-1].HasField("unplugged_at")


def test_meters_inputs_faults_and_temperature(rig: Rig):
    for verb in (
        ("meter", "grid-meter", "--amps", "10,0,-2.5"),
        ("meter", "cp1-meter", "--fail"),
        ("meter", "cp2-meter", "--freeze"),
        ("input", "garage-1", "2", "high"),
        ("fault", "cp2", "welded", "on"),
        ("temperature", "cp2", "-12.5"),
        ("residual", "cp2", "1.5"),
    ):
        assert do(rig, *verb).exit_code == 0, verb
    now = truth(rig)
    grid, *own = now.meters
    assert (grid.currents.l1_ma, grid.currents.l2_ma, grid.currents.l3_ma) == (10_000, 0, -2_500)
    assert [meter.mode for meter in own] == [pb.METER_MODE_SILENT, pb.METER_MODE_FROZEN]
    assert [(each.node, each.number, each.high) for each in now.inputs] == [("garage-1", 2, True)]
    assert (now.evses[1].injected_faults, now.evses[1].levels.temperature_c) == (["welded"], -12.5)
    assert now.evses[1].levels.residual_ua == 1_500
    for verb in (("meter", "cp1-meter", "--restore"), ("fault", "cp2", "welded", "off")):
        assert do(rig, *verb).exit_code == 0, verb
    now = truth(rig)
    assert (now.meters[1].mode, now.evses[1].injected_faults) == (pb.METER_MODE_LIVE, [])


def test_show_prints_the_truth(rig: Rig):
    do(rig, "plug", "cp2", "--behaviour", "ignores")
    shown = do(rig, "show")
    do(rig, "unplug", "cp2")
    assert shown.exit_code == 0
    for word in ("cp1", "cp2", "ignores", "grid-meter", "door", "holds"):
        assert word in shown.output


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (("plug", "cp9"), "no charge point 'cp9' on this bench; it has: cp1, cp2"),
        (("plug", "cp1", "--max-current", "5"), "minimum current 6 A"),
        (("plug", "cp1", "--phases", "4"), "less than or equal to 3"),
        (("plug", "cp1", "--max-current", "80"), "no plug is coded for 80 A"),
        (("swipe", "gate", "04A1"), "no reader 'gate' on this bench; it has: door"),
        (("meter", "nix", "--fail"), "no meter 'nix'"),
        (("meter", "grid-meter"), "give exactly one of"),
        (("meter", "grid-meter", "--amps", "1,2"), "'1,2' is not three currents"),
        (("meter", "grid-meter", "--amps", "1,2,nan"), "is not three currents"),
        (("meter", "grid-meter", "--amps", "1,2,90000"), "90000 A is no current"),
        (("input", "nix", "1", "low"), "no node 'nix'"),
        (("input", "garage-1", "65", "low"), "numbered from 1 to 64"),
        (("fault", "cp1", "nix", "on"), "'nix' is not one of"),
        (("temperature", "cp1", "2000"), "a sensor shows"),
    ],
)
def test_wrong_use_is_explained_with_exit_code_2(rig: Rig, verb: tuple[str, ...], words: str):
    result = do(rig, *verb)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())
    assert not truth(rig).evses[0].HasField("vehicle")


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (("unplug", "cp1"), "cp1 has no car"),
        (("swipe", "door", "04A1"), "nobody saw the card; is the node running?"),
        (("meter", "cp1-meter", "--amps", "1,1,1"), "cp1-meter is the meter of cp1"),
        (("clock", "jump", "-3600"), "chargepark simulate"),
    ],
)
def test_the_impossible_is_refused(rig: Rig, verb: tuple[str, ...], words: str):
    result = do(rig, *verb)
    assert isinstance(result.exception, BenchRefused)  # the command's entry makes exit code 1 of it
    assert words in str(result.exception)


def test_no_bench_says_how_to_start_one():
    result = CliRunner().invoke(app, ["plug", "cp1", "--target", f"127.0.0.1:{free_ports(1)[0]}"])
    assert isinstance(result.exception, BenchUnusable)
    assert "start it with `chargepark bench serve CONFIG`" in str(result.exception)


def test_ports_in_use_a_second_bench_says_so_and_exits_with_1(rig: Rig):
    again = subprocess.run(
        [*COMMAND, "serve", str(rig.config)], check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert again.returncode == 1
    assert "another program has the port" in again.stderr
    assert "Traceback" not in again.stderr


def test_the_grpc_port_in_use_is_named_too(tmp_path_factory: pytest.TempPathFactory):
    ports = free_ports(3)
    config = write_config(tmp_path_factory.mktemp("taken"), *ports)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        result = subprocess.run(
            [*COMMAND, "serve", str(config)], check=False, capture_output=True, text=True, timeout=PATIENCE
        )
    assert result.returncode == 1
    assert f"[bench] address: cannot listen on 127.0.0.1:{ports[0]}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_file_exits_with_2_and_says_where(tmp_path_factory: pytest.TempPathFactory):
    config = write_config(tmp_path_factory.mktemp("wrong"), *free_ports(3))
    config.write_text(config.read_text(encoding="utf-8").replace("127.0.0.1:", "0.0.0.0:", 1), encoding="utf-8")
    result = subprocess.run(
        [*COMMAND, "serve", str(config)], check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 2
    assert "[bench] address: 0.0.0.0:" in result.stderr
    assert "can be reached from outside" in result.stderr

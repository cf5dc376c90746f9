"""A bench as a process of its own, with a configuration on free ports; every wait has an end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from support.ports import free_ports

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub

PATIENCE = 20.0  # seconds for a process to start or end on a loaded machine; never the time it takes
COMMAND = [sys.executable, "-c", "from nodes.cli import main; main()", "bench"]

CONFIG = """
[node]
name = "garage-1"
role = "single"
data_dir = "{data}"

[listen]
energy = ""
metrics = ""

[bench]
address = "127.0.0.1:{bench}"

[park]
name = "garage"

[authorization]
mode = "free"

[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]

[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{grid}"
unit = 1

[[meter]]
name = "cp1-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{points}"
unit = 11

[[meter]]
name = "cp2-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{points}"
unit = 12

[[reader]]
name = "door"
driver = "virtual"
serves = ["cp1", "cp2"]

[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
driver = "virtual"
meter = "cp1-meter"

[[charge_point]]
name = "cp2"
connector = 2
circuit = "grid"
wiring = "STR"
max_amps = 16
outlet = "cable"
driver = "virtual"
meter = "cp2-meter"
"""


@dataclass(frozen=True, slots=True)
class Rig:
    """A running bench: where it is, and its log."""

    process: subprocess.Popen[bytes]
    config: Path
    target: str
    grid_port: int
    points_port: int
    log: Path

    def run(self, *verb: str) -> subprocess.CompletedProcess[str]:
        """One `chargepark bench` verb, as a user gives it."""
        command = [*COMMAND, *verb, "--target", self.target]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


def write_config(folder: Path, bench: int, grid: int, points: int) -> Path:
    path = folder / "bench.toml"
    path.write_text(CONFIG.format(data=folder / "data", bench=bench, grid=grid, points=points), encoding="utf-8")
    return path


@contextlib.contextmanager
def running_bench(folder: Path) -> Iterator[Rig]:
    """Start a bench, wait until it answers, and end it by SIGTERM: it must end well."""
    bench, grid, points = free_ports(3)
    config = write_config(folder, bench, grid, points)
    log = folder / "bench.log"
    with log.open("wb") as stderr, subprocess.Popen([*COMMAND, "serve", str(config)], stderr=stderr) as process:
        rig = Rig(process, config, f"127.0.0.1:{bench}", grid, points, log)
        try:
            with grpc.insecure_channel(rig.target) as channel:
                BenchStub(channel).GetBench(pb.GetBenchRequest(), wait_for_ready=True, timeout=PATIENCE)
            yield rig
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text(encoding="utf-8")

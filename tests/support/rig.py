"""A park of real processes on free loopback ports: bench, backend, node; the node may be killed and started again."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.ports import free_ports

from nodes.energy.client import fetch
from nodes.rpc import bench_pb2 as pb
from nodes.virtual.client import bench
from nodes.virtual.ledger import Ledger
from park.errors import ChargeparkError
from park.view import ParkView

PATIENCE = 30.0  # seconds until a wait in vain fails; no passing test takes it
LOOK_AGAIN = 0.05
LAST_LINES = 15  # of the log of each process
STRICT = Path(__file__).parents[1] / "peers/strict_csms.js"


def configuration(
    directory: Path,
    points: int = 2,
    limit: int = 63,
    lease: int = 10,
    mode: str = "backend",
    backend: bool = True,
    fallback: int = 6,
    window: int = 10,
) -> Configuration:
    """A node file for a board with `points` charge points, each with a meter, and a house meter.

    The reader `door` serves them all, and each has one of its own, `cp1-reader` and so on.
    """
    energy, metrics, bench_port, modbus, ocpp = free_ports(5)
    text = f"""
[node]
name = "board"
role = "single"
data_dir = "{directory / "data"}"
[listen]
energy = "127.0.0.1:{energy}"
metrics = "127.0.0.1:{metrics}"
[bench]
address = "127.0.0.1:{bench_port}"
[park]
name = "rig"
[load]
interval_seconds = 1
lease_seconds = {lease}
renew_seconds = {min(3, lease / 2)}
[authorization]
mode = "{mode}"
offline = "whitelist"
whitelist = [{{ tag = "04A1B2C3", name = "Ada" }}, {{ tag = "04D4E5F6", name = "Bob" }}]
"""
    if backend:
        text += f'[backend]\nurl = "ws://127.0.0.1:{ocpp}/ocpp"\nidentity = "RIG"\n'
    text += f"""
[[circuit]]
name = "grid"
limit_amps = [{limit}, {limit}, {limit}]
headroom_amps = 1
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
external_window_seconds = {window}
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = 1
[[reader]]
name = "door"
driver = "virtual"
serves = ["*"]
"""
    for number in range(1, points + 1):
        text += f"""
[[meter]]
name = "cp{number}-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:{modbus}"
unit = {number + 1}
[[charge_point]]
name = "cp{number}"
connector = {number}
circuit = "grid"
phases = 3
min_amps = 6
max_amps = 32
fallback_amps = {fallback}
outlet = "{"socket" if number % 2 else "cable"}"
meter = "cp{number}-meter"
driver = "virtual"
[[reader]]
name = "cp{number}-reader"
driver = "virtual"
serves = ["cp{number}"]
"""
    path = directory / "board.toml"
    path.write_text(text)
    return Configuration(path, energy, metrics, bench_port, modbus, ocpp)


@dataclass(frozen=True, slots=True)
class Configuration:
    path: Path
    energy: int
    metrics: int
    bench: int
    modbus: int
    ocpp: int


def eventually(what: str, true: Callable[[], object], patience: float = PATIENCE) -> None:
    """Look until it is true: for what only another process can tell, and does not announce."""
    deadline = time.monotonic() + patience
    pause = selectors.DefaultSelector()  # a wait that is no sleep would need the other process to speak first
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s in vain: {what}")
        pause.select(LOOK_AGAIN)
    pause.close()


@dataclass
class Rig:
    """Processes by name; their output goes to files of that name in `directory`."""

    directory: Path
    config: Configuration
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    starts: int = 0

    def start(
        self,
        name: str,
        *arguments: str,
        crash: str = "",
        stdin: int | None = subprocess.DEVNULL,
        program: str = sys.executable,
    ) -> None:
        environment = {**os.environ, "CHARGEPARK_CRASH": crash}
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [program, *arguments], stdout=log, stderr=log, stdin=stdin, env=environment
            )

    def start_bench(self) -> None:
        self.start("bench", "-m", "nodes.cli", "bench", "serve", str(self.config.path))
        eventually("the bench answers", lambda: self.truth() is not None)

    def start_backend(self, *arguments: str) -> None:
        ledger = str(self.directory / "ledger.sqlite3")
        port = str(self.config.ocpp)
        self.start(
            "backend",
            "-m",
            "nodes.virtual.backend",
            "--port",
            port,
            "--ledger",
            ledger,
            *arguments,
            stdin=subprocess.PIPE,
        )

    def start_strict_backend(self, *tls: str, plain: int | None = None) -> None:
        """Another people's central system in the place of ours; `support.strict` reads what it says.

        `tls`: another port, a certificate, its key, and the authority of stations. `plain`: unlike the configured port.
        """
        port = str(plain or self.config.ocpp)
        self.start("backend", str(STRICT), port, *tls, program="node", stdin=subprocess.PIPE)

    def start_node(self, crash: str = "") -> None:
        self.starts += 1
        self.start("node", "-m", "nodes.cli", "run", str(self.config.path), crash=crash)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait for the end."""
        process = self.processes[name]
        process.kill()
        process.wait(PATIENCE)
        if process.stdin is not None:
            process.stdin.close()

    def end(self, name: str) -> int:
        """SIGTERM; the exit code."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes[name].wait(PATIENCE)

    def died(self, name: str = "node") -> bool:
        return self.processes[name].poll() is not None

    def tell_backend(self, line: str) -> None:
        stdin = self.processes["backend"].stdin
        assert stdin is not None
        stdin.write(line.encode() + b"\n")
        stdin.flush()

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    # ------------------------------------------------------------ what people and instruments see

    def truth(self) -> pb.BenchTruth | None:
        try:
            with bench(f"127.0.0.1:{self.config.bench}") as stub:
                return stub.GetBench(pb.GetBenchRequest(), timeout=5)
        except ChargeparkError:
            return None

    def evse(self, name: str) -> pb.EvseTruth:
        truth = self.truth()
        assert truth is not None, self.log("bench")
        return next(each for each in truth.evses if each.charge_point == name)

    def feedback(self, reader: str) -> str:
        """What the reader shows: ACCEPTED, REFUSED and so on, as the wire names it without its prefix."""
        truth = self.truth()
        assert truth is not None, self.log("bench")
        shown = next(each.feedback for each in truth.readers if each.reader == reader)
        return pb.ReaderFeedback.Name(shown).removeprefix("READER_FEEDBACK_")

    def plug(self, point: str, maximum_ma: int = 32_000, energy_wh: float = 20_000.0, mac: str = "") -> None:
        request = pb.PlugRequest(charge_point=point, maximum_ma=maximum_ma, energy_wh=energy_wh, mac=mac)
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.Plug(request, timeout=5)

    def unplug(self, point: str) -> None:
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.Unplug(pb.UnplugRequest(charge_point=point), timeout=5)

    def swipe(self, tag: str, reader: str = "door") -> None:
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.Swipe(pb.SwipeRequest(reader=reader, id_tag=tag), timeout=5)

    def fault(self, point: str, name: str, *, on: bool) -> None:
        """Break a charge point, as proto/nodes/rpc/bench.proto names it, or repair it."""
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.SetFault(pb.SetFaultRequest(charge_point=point, fault=name, on=on), timeout=5)

    def meter(self, name: str, mode: pb.MeterMode.ValueType) -> None:
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.SetMeter(pb.SetMeterRequest(meter=name, mode=mode), timeout=5)

    def load(self, name: str, amps: int, l2: int | None = None) -> None:
        """The same on all phases, but for `l2`."""
        on_l2 = amps if l2 is None else l2
        currents = pb.PhaseCurrents(l1_ma=amps * 1000, l2_ma=on_l2 * 1000, l3_ma=amps * 1000)
        with bench(f"127.0.0.1:{self.config.bench}") as stub:
            stub.SetMeter(pb.SetMeterRequest(meter=name, load=currents), timeout=5)

    def view(self) -> ParkView | None:
        try:
            return fetch(f"127.0.0.1:{self.config.energy}")
        except ChargeparkError:
            return None

    def pilot(self, point: str) -> str | None:
        """The state of the control pilot as the node shows it; None: unknown, or the node does not answer."""
        view = self.view()
        rows = () if view is None else view.charge_points
        return next((row.state.value for row in rows if row.name == f"board/{point}" and row.state is not None), None)

    def waiting(self) -> int:
        """Facts that wait for the backend."""
        view = self.view()
        return 0 if view is None or view.backend is None else view.backend.queue_depth or 0

    def online(self) -> bool:
        """The node reads its meters, holds its charge points, and the backend knows it."""
        view = self.view()
        if view is None or view.backend is None or view.backend.state not in {"online", "disabled"}:
            return False
        return all(each.state is not None for each in view.charge_points) and all(
            each.quality is not None and each.quality.value == "fresh" for each in view.meters
        )

    def charging(self, point: str) -> bool:
        return self.evse(point).currents.l1_ma > 0

    def ledger(self) -> Ledger:
        return Ledger(self.directory / "ledger.sqlite3")

    def close(self) -> None:
        """Kill whatever still runs; what each process said last is for the report of a test that fails."""
        for name, process in self.processes.items():
            print(f"--- {name}.log", *self.log(name).splitlines()[-LAST_LINES:], sep="\n")  # noqa: T201 - pytest keeps it
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def rig(directory: Path, *, backend_process: bool = True, **options: int | str | bool) -> Generator[Rig]:
    """Bench and backend run, the node not yet; whatever still runs at the end is killed."""
    with bare_rig(directory, **options) as made:
        made.start_bench()
        if options.get("backend", True) and backend_process:
            made.start_backend()
        yield made


@contextmanager
def bare_rig(directory: Path, **options: int | str | bool) -> Generator[Rig]:
    """Nothing runs yet; whatever still runs at the end is killed."""
    made = Rig(directory, configuration(directory, **options))  # pyright: ignore[reportArgumentType]
    try:
        yield made
    finally:
        made.close()

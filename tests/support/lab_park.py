"""A park of real boards in the lab: each on a host of its own with its bench, paired by tokens, and a backend."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.instrument import PATIENCE, Instrument
from support.lab_files import (
    ADA,
    BACKEND_PORT,
    BENCH,
    ENERGY,
    IDENTITY,
    LAPSE_AMPS,
    POINTS,
    Settings,
    client_file,
    connectors,
    server_file,
)
from support.netns import Host, Lab
from support.rig import eventually

from nodes.virtual.ledger import Ledger, LedgerTransaction

LAPSE_MA = LAPSE_AMPS * 1000
GUARD_SECONDS = 1.0  # from the end of a lease to the last current above lapse
REJOIN_SECONDS = 30.0
METER_WH = 1  # resolution of the register that sessions are counted by
BOARDS = ("bay-a", "bay-b")


@dataclass
class Board:
    """A host with its bench, its instrument, and a node that may be killed, stopped and started again."""

    name: str
    host: Host
    file: Path
    points: tuple[str, ...]
    instrument: Instrument
    node: subprocess.Popen[bytes]

    def kill(self) -> float:
        """SIGKILL; the moment before it."""
        moment = time.monotonic()
        self.node.kill()
        self.node.wait(PATIENCE)
        return moment

    def start(self) -> None:
        self.node = _started(self.host, self.file, "node", "run")

    def stop(self) -> float:
        """SIGSTOP; the moment before it."""
        moment = time.monotonic()
        self.node.send_signal(signal.SIGSTOP)
        return moment

    def go_on(self) -> float:
        """SIGCONT; the moment before it."""
        moment = time.monotonic()
        self.node.send_signal(signal.SIGCONT)
        return moment

    def charge(self, *points: str, tag: str = ADA) -> None:
        """A car with its card at each of these points, or at all."""
        for point in points or self.points:
            self.instrument.plug(point)
            self.instrument.swipe(f"{point}-reader", tag)

    def leave(self, *points: str) -> None:
        for point in points or self.points:
            self.instrument.unplug(point)

    def granted(self, *points: str, patience: float = PATIENCE) -> float:
        """Wait until the server's grants show at all these points at once; when that was."""
        wanted = points or self.points
        sample = self.instrument.until(
            f"{self.name} has grants",
            lambda seen: all(seen[each].signalled_ma > LAPSE_MA for each in wanted),
            patience,
        )
        return sample.mono

    def highest_ma(self, begin: float, end: float, *points: str) -> int:
        """The largest current that was signalled in this time, at these points or at all."""
        samples = self.instrument.between(begin, end)
        return max(each.points[point].signalled_ma for each in samples for point in points or self.points)

    def lowest_ma(self, begin: float, end: float, point: str) -> int:
        """The smallest current that was signalled at this point in this time."""
        return min(each.points[point].signalled_ma for each in self.instrument.between(begin, end))

    def log(self) -> str:
        return (self.file.parent / f"{self.name}-node.log").read_text(errors="replace")


@dataclass
class LabPark:
    """`server` and `boards` by name. `lease`: seconds."""

    lab: Lab
    folder: Path
    settings: Settings
    server: Board
    boards: dict[str, Board]
    backend: subprocess.Popen[bytes]

    @property
    def lease(self) -> float:
        return self.settings.lease or 10.0  # the product's default

    def all(self) -> Sequence[Board]:
        return (self.server, *self.boards.values())

    def connector(self, board: Board, point: str) -> int:
        return connectors(tuple(self.boards))[f"{board.name}/{point}"]

    def lapsed_from(self, cut: float) -> float:
        """From when on no current above lapse may be signalled by those who were cut off at this moment."""
        return cut + self.lease + GUARD_SECONDS

    def call(self, action: str, **payload: object) -> None:
        """The backend orders something; `results` has the answer."""
        assert self.backend.stdin is not None
        order = {"call": action, "payload": payload, "identity": IDENTITY}
        self.backend.stdin.write(json.dumps(order).encode() + b"\n")
        self.backend.stdin.flush()

    def results(self, action: str) -> list[Any]:
        """The answers to such orders so far: their payloads."""
        lines = (self.folder / "backend.log").read_text().splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [each["frame"][2] for each in events if each["event"] == "result" and each["action"] == action]

    def transactions(self) -> list[LedgerTransaction]:
        ledger = Ledger(self.folder / "ledger.sqlite3")
        try:
            return ledger.transactions()
        finally:
            ledger.close()

    def open_transaction(self, board: Board, point: str) -> int:
        """The number of the transaction that is under way there, once the backend has it."""
        number = self.connector(board, point)

        def found() -> list[int]:
            mine = [each for each in self.transactions() if each.connector == number and not each.stops]
            return [each.transaction_id for each in mine]

        eventually(f"transaction at {board.name}/{point}", found)
        return found()[-1]

    def node_states(self) -> Mapping[str, str]:
        """What the server says of the boards."""
        return {each["name"]: each["state"] for each in self.server.instrument.view().get("nodes", ())}

    def settle(self) -> None:
        """All cars leave, all facts arrive; then the books must be exact."""
        for board in self.all():
            parked = board.instrument.ask(call="GetBench", request={})["evses"]
            board.leave(*(each["charge_point"] for each in parked if "vehicle" in each))
        eventually("every session is closed at the backend", self._delivered)
        self.audit()

    def audit(self) -> None:
        """Each car that took energy has one transaction, started once and stopped once, with what its plug saw."""
        ledger = Ledger(self.folder / "ledger.sqlite3")
        assert ledger.violations() == ledger.strangers() == []
        ledger.close()
        transactions = self.transactions()
        for board in self.all():
            for point in board.points:
                number = self.connector(board, point)
                mine = [each for each in transactions if each.connector == number]
                for each in mine:
                    assert each.different_stops == 1, each
                    assert each.order_kept, each
                plugs = [round(taken, 2) for taken in board.instrument.visits_wh(point) if taken]
                counted = [each.energy_wh or 0 for each in mine]
                assert len(counted) == len(plugs), f"{board.name}/{point}: plug {plugs}, backend {mine}"
                assert all(abs(a - b) <= METER_WH for a, b in zip(counted, plugs, strict=True)), (plugs, mine)

    def _delivered(self) -> bool:
        rows = self.server.instrument.view().get("charge_points", ())
        idle = rows and all(each["session"] is None for each in rows)
        return bool(idle) and all(each.stops for each in self.transactions()) and self._all_started()

    def _all_started(self) -> bool:
        counts = [
            len([taken for taken in board.instrument.visits_wh(point) if taken])
            for board in self.all()
            for point in board.points
        ]
        return len(self.transactions()) >= sum(counts)


@contextmanager
def lab_park(
    lab: Lab, folder: Path, settings: Settings = Settings(), boards: Sequence[str] = BOARDS
) -> Iterator[LabPark]:
    """A park whose boards have joined; it ends with the lab."""
    hosts = {name: lab.add(name) for name in ("server", *boards)}
    server_host = hosts["server"]
    backend = _backend(server_host, folder)
    server = _board(server_host, server_file(folder, boards, settings), ("cp1",))
    made = LabPark(lab, folder, settings, server, {}, backend)
    eventually("the server answers", lambda: made.node_states().get("server") == "alive")
    for name in boards:
        token = ["-m", "nodes.cli", "pair", "token", server.file, name, "--out", folder / f"{name}.token"]
        said = server_host.say([sys.executable, *token], PATIENCE)
        assert said.returncode == 0, said.stderr
        made.boards[name] = _board(hosts[name], client_file(folder, name, settings, server_host.ip), POINTS)
    eventually("all boards have joined", lambda: all(made.node_states().get(each) == "alive" for each in boards))
    yield made


def _board(host: Host, file: Path, points: tuple[str, ...]) -> Board:
    _started(host, file, "bench", "bench", "serve")
    instrument = Instrument(host, BENCH, ENERGY, file.parent / f"{host.name}-instrument.log")
    instrument.now()
    return Board(host.name, host, file, points, instrument, _started(host, file, "node", "run"))


def _started(host: Host, file: Path, name: str, *verb: str) -> subprocess.Popen[bytes]:
    with (file.parent / f"{host.name}-{name}.log").open("ab") as log:
        command = [sys.executable, "-W", "error", "-m", "nodes.cli", *verb, file]
        return host.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ})


def _backend(host: Host, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "backend.log").open("ab") as log:
        command = [sys.executable, "-m", "nodes.virtual.backend", "--port", BACKEND_PORT]
        ledger = ["--ledger", folder / "ledger.sqlite3"]
        return host.run([*command, *ledger], stdin=subprocess.PIPE, stdout=log, stderr=log)

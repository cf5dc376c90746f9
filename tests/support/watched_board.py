"""A board that only discovers, as a process on a host of the lab, and what it printed last."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from support.netns import Host

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/support/board_process.py"
PATIENCE = 30.0  # a board is found again within 30 s of the network's return
Seen = Mapping[str, list[str]]
"""Addresses by node."""


class Watched:
    """A board's process, and what it printed last."""

    def __init__(self, host: Host, node: str, role: str = "client", port: int = 0, *interfaces: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "error", PROGRAM, "carpark", node, role, port, *interfaces]
        self._process: subprocess.Popen[str] = host.run(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.alarms: list[str] = []
        self.history: list[Seen] = []
        self._seen: Seen = {}
        self._printed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def sees(self, suits: Callable[[Seen], object]) -> Seen:
        """What it sees once that suits."""
        with self._printed:
            assert self._printed.wait_for(lambda: suits(self._seen), PATIENCE), f"it sees {self._seen}"
            return self._seen

    def is_told(self, alarm: str) -> bool:
        with self._printed:
            return self._printed.wait_for(lambda: alarm in self.alarms, PATIENCE)

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed with the lab
            for line in self._process.stdout:
                said = json.loads(line)
                with self._printed:
                    if "sees" in said:
                        self._seen = said["sees"]
                        self.history.append(self._seen)
                    self.alarms += [said["alarm"]] if "alarm" in said else []
                    self._printed.notify_all()

"""Demos as processes of their own, on blocks of ports nobody uses; every wait has an end."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes.demo.layout import MOST_CLIENTS
from nodes.demo.ports import BASE_STEP, OFFSETS, choose
from park.errors import AddressUnusable
from tests.support import ports
from tests.support.cli import COMMAND, ENVIRONMENT, ROOT

FIRST_BASE = 10_000  # tests take blocks from here on
PATIENCE = 100.0  # seconds until a test fails that would otherwise hang; never the time it takes
GONE_SECONDS = 30.0  # for processes that were killed or told to end long ago


def free_base(blocks: int = 1) -> int:
    """A base whose block, and those after it, nobody uses now; below the ports that other tests and the system use."""
    for base in random.sample(range(FIRST_BASE, ports.FIRST - blocks * BASE_STEP, 100), k=60):
        try:
            for block in range(blocks):
                choose(base + block * BASE_STEP, MOST_CLIENTS)
        except AddressUnusable:
            continue
        return base
    raise AssertionError(f"no block of {len(OFFSETS)} ports is free")


@dataclass(slots=True)
class Demo:
    """A running demo, its directory, and what it printed so far."""

    process: subprocess.Popen[str]
    folder: Path
    base: int
    printed: str = ""

    def read_until(self, words: str) -> None:
        """Wait until it printed this."""
        assert self.process.stdout is not None
        while words not in self.printed:
            line = self.process.stdout.readline()
            assert line, f"it ended without saying {words!r}:\n{self.printed}"
            self.printed += line

    def ended(self) -> int:
        """Wait until it ended; returns the exit code."""
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.printed += rest
        return self.process.returncode

    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[Demo]:
    """Start one; whatever happens, it is gone afterwards."""
    base = free_base()
    command = [*COMMAND, "demo", "--dir", str(folder), "--port-base", str(base), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=ENVIRONMENT
    ) as process:
        try:
            yield Demo(process, folder, base)
        finally:
            process.kill()


def children_of(pid: int) -> set[int]:
    """Process ids of the children of a process (all its threads started)."""
    return {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    }


def wait_until_gone(pids: set[int]) -> None:
    """Wait until none of these processes runs; a file descriptor of each tells."""
    deadline = time.monotonic() + GONE_SECONDS
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"process {pid} still runs"
        finally:
            os.close(descriptor)

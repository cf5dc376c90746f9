"""Processors that do not sleep while something is measured, and who has them first.

On a virtual machine an idle processor is given back to its host, and comes back milliseconds after it is wanted; a
message that crosses six threads in three processes meets that several times. A loop of the policy SCHED_IDLE on each
processor keeps it, and gives way at once to whatever else wants to run.

Boards of a park have machines of their own. Where all of them are processes of one machine, those that are measured go
before the others and before whatever else runs there: a time slice of somebody else is seven milliseconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

LOOP = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


URGENT, PATIENT = 1, 19  # real-time priority of what is measured; the niceness of what keeps it company
STOLEN = 7  # proc_stat(5): time the host gave to others while this machine wanted to run


class Stolen:
    """What a host takes of the processors of a virtual machine from now on."""

    def __init__(self) -> None:
        self._began = _ticks()

    def percent(self) -> float:
        """Of all processor time since."""
        spent = [now - then for then, now in zip(self._began, _ticks(), strict=True)]
        return 100 * spent[STOLEN] / max(1, sum(spent[: STOLEN + 1]))


def _ticks() -> list[int]:
    return [int(ticks) for ticks in Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:]]


@contextmanager
def processors_awake() -> Generator[tuple[int, ...]]:
    """Within the block, by these processes. They end with it, and with this one."""
    loops = [subprocess.Popen([sys.executable, "-c", LOOP, str(each)]) for each in sorted(os.sched_getaffinity(0))]
    try:
        yield tuple(loop.pid for loop in loops)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextmanager
def ahead_of_others() -> Generator[bool]:
    """Within the block this process, and those it starts, are at real-time priority. False: only root may do that."""
    try:
        _schedule(os.SCHED_RR, URGENT)
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        _schedule(os.SCHED_OTHER, 0)


def behind_others() -> None:
    """This process, and those it starts, from now on."""
    _schedule(os.SCHED_OTHER, 0)
    os.nice(PATIENT)


def _schedule(policy: int, priority: int) -> None:
    """All threads there are; what they start inherits it."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended since
            os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))

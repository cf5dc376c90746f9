"""The processes of the demo: started one by one, each with its log, watched, and ended in reverse order."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path

from msgspec import Struct

END_SECONDS = 10.0  # from SIGTERM until a child is killed
TAIL_LINES = 12  # of a log, when its process ended by itself
TAIL_BYTES = 20_000


class Child(Struct, frozen=True):
    """One process. `died` is done when it ended, whoever wanted that; its result is the exit code."""

    name: str
    process: Process
    log: Path
    died: asyncio.Task[int]

    def tail(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as log:
            log.seek(-min(TAIL_BYTES, self.log.stat().st_size), os.SEEK_END)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])


class Children:
    """All processes in the order of their start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Child] = []
        self._death = asyncio.Event()

    async def death(self) -> None:
        """Wait until one of them, whenever it was started, is not there any more."""
        await self._death.wait()

    async def start(self, name: str, *module_and_arguments: str, keep_stdin: bool = False) -> None:
        """Start `python -m MODULE ARGUMENT...` in the demo's folder; its output goes to NAME.log there.

        It is in a session of its own, so that Ctrl-C reaches only the demo, which ends its children in order.
        """
        path = self._folder / f"{name}.log"
        command = (sys.executable, "-m", *module_and_arguments)
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "nodes.demo.tether", str(os.getpid()), *command),
                cwd=self._folder,
                stdin=PIPE if keep_stdin else DEVNULL,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
            )
        died = asyncio.create_task(process.wait(), name=f"{name} ends")
        died.add_done_callback(lambda _: self._death.set())
        self._all.append(Child(name, process, path, died))

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {child.name: child.process.pid for child in self._all}

    def dead(self) -> list[str]:
        """Say which ended, how, and what they said last."""
        return [
            f"{child.name} {_how(child.died.result())}; the last lines of {child.log}:\n{child.tail()}"
            for child in self._all
            if child.died.done()
        ]

    async def stop(self) -> list[str]:
        """End those that run, the last started first; says who did not end well."""
        problems: list[str] = []
        while self._all:
            child = self._all.pop()
            if child.died.done():
                continue
            child.process.terminate()
            await asyncio.wait({child.died}, timeout=END_SECONDS)
            if not child.died.done():
                child.process.kill()
                problems.append(f"{child.name} did not end within {END_SECONDS:.0f} s of SIGTERM and was killed")
            elif child.died.result() != 0:
                problems.append(f"{child.name} {_how(child.died.result())} when it was told to end; see {child.log}")
            await child.died
        return problems


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

"""Firmware on this board: where it is kept on its way, and the program of the board's maker that installs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import structlog
from msgspec import Struct

OUTPUT_BYTES = 64 * 1024  # kept of what an installer says
VERSION_LINE = "version="
_log = structlog.get_logger("firmware")


class Installer(Struct, frozen=True):
    """`command`: program and arguments, the file's path is added. Empty: nothing can be installed here."""

    command: tuple[str, ...]
    seconds: float

    async def install(self, file: Path) -> tuple[str, str]:
        """Run it; returns the version it announces (last line `version=…`, or empty) and the problem (empty: none).

        It runs in a session of its own, and without a shell.
        """
        if not self.command:  # it was taken out of the configuration while an update was under way
            return "", "there is no [maintenance] installer any more"
        environment = {"PATH": os.environ.get("PATH", os.defpath), "CHARGEPARK_FIRMWARE": str(file)}
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                str(file),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            return "", f"the installer {self.command[0]} cannot be started ({error})"
        try:
            async with asyncio.timeout(self.seconds):
                said = await _read(process)
                code = await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            return "", f"the installer did not end within {self.seconds:g} s"
        _log.info("installer ended", code=code, said=said[-2000:])
        last = said.strip().rpartition("\n")[2]
        version = last.removeprefix(VERSION_LINE).strip() if last.startswith(VERSION_LINE) else ""
        return version, "" if code == 0 else f"the installer ended with code {code}: {last[:200]}"


async def _read(process: asyncio.subprocess.Process) -> str:
    """The end of what it says."""
    kept = b""
    if process.stdout is not None:
        while chunk := await process.stdout.read(4096):
            kept = (kept + chunk)[-OUTPUT_BYTES:]
    return kept.decode(errors="replace")

"""The clocks of the board, read in one place."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from park.model.time import Now

STEP_SECONDS = 1.0  # ours: clocks drift less in the time a board is without one


def now() -> Now:
    """Read both clocks of the machine."""
    return Now(time.monotonic(), datetime.now(UTC))


def machine_boot() -> str:
    """Which run of the machine this is: its monotonic clock goes on from process to process; "": nobody can tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class BoardClock:
    """The wall clock of a node: the machine's, moved by what a better clock said.

    The machine's own clock is not set: others on it may have their reasons. `floor`: a time that is surely past; a
    machine whose clock stands before it (1970 after a blackout) goes on from there, and its time is not `known` until
    somebody told it, or set the machine's clock. Told and read from any thread. `boot`: of the machine; "": a new one.
    """

    def __init__(self, floor: datetime, read: Callable[[], Now] = now, boot: str = "") -> None:
        self._read, self._floor = read, floor
        self._boot = boot or uuid.uuid4().hex
        self._began = read()
        self.known = self._began.wall >= floor
        self._lost = not self.known
        self._ahead = timedelta(0) if self.known else floor - self._began.wall

    def now(self) -> Now:
        here = self._read()
        if self._lost and self._was_set(here):
            self._lost, self.known, self._ahead = False, True, timedelta(0)
        return Now(here.mono, here.wall + self._ahead, self.known, self._boot)

    def follow(self, offset_seconds: float) -> None:
        """A better clock is so much ahead of what `now` says (negative: behind)."""
        self._ahead += timedelta(seconds=offset_seconds)
        self.known = True

    def _was_set(self, here: Now) -> bool:
        """Whether the machine's clock made a step to a time that can be true."""
        step = (here.wall - self._began.wall).total_seconds() - (here.mono - self._began.mono)
        return here.wall >= self._floor and step > STEP_SECONDS

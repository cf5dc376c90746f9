"""The clocks of the board, read in one place."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from park.model.time import Now


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
    somebody told it. Told and read from any thread.
    """

    def __init__(self, floor: datetime, read: Callable[[], Now] = now) -> None:
        self._read = read
        wall = read().wall
        self.known = wall >= floor
        self._ahead = timedelta(0) if self.known else floor - wall

    def now(self) -> Now:
        here = self._read()
        return Now(here.mono, here.wall + self._ahead)

    def follow(self, offset_seconds: float) -> None:
        """A better clock is so much ahead of what `now` says (negative: behind)."""
        self._ahead += timedelta(seconds=offset_seconds)
        self.known = True

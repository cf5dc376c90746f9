"""Time as an argument: what a step may know of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Now:
    """`mono`: seconds of a clock that never jumps, for leases and timeouts. `wall`: aware UTC, for timestamps."""

    mono: float
    wall: datetime

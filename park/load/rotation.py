"""Taking turns when not everybody can have the minimum (safety §2, S9): in slices of the monotonic clock.

At the end of a slice those who waited since before it come first, and who has charged longest makes room for them. In
between nobody is moved: whoever came in this slice stays, and whoever begins to wait in it waits for its end. With room
for k of n vehicles a vehicle waits at most ⌈n / k⌉ slices.
"""

from __future__ import annotations

import math
from enum import IntEnum

MINIMUM_ON_SECONDS = 60.0  # who has just begun to charge is not paused for another: contactors wear, vehicles give up


class Turn(IntEnum):
    """In this order minima are given."""

    STAYS = 0  # it came in this slice, or a moment ago
    COMES = 1  # it has waited since an earlier slice
    MAY_GO = 2  # it has charged since an earlier slice: the newest of them go on, as many as have room
    WAITS = 3  # it began to wait in this slice


def turn(charging_since: float | None, waiting_since: float, now: float, slice_seconds: float) -> Turn:
    """Whose turn it is. All times are monotonic seconds; `charging_since` None: it has no current."""
    return turn_in(slice_began(now, slice_seconds), charging_since, waiting_since, now)


def slice_began(now: float, slice_seconds: float) -> float:
    """When the slice began."""
    return math.floor(now / slice_seconds) * slice_seconds


def turn_in(began: float, charging_since: float | None, waiting_since: float, now: float) -> Turn:
    """Whose turn it is in the slice that began then."""
    if charging_since is None:
        return Turn.COMES if waiting_since < began else Turn.WAITS
    if charging_since >= began or now < charging_since + MINIMUM_ON_SECONDS:
        return Turn.STAYS
    return Turn.MAY_GO


def next_turn(now: float, slice_seconds: float) -> float:
    """When the slice ends."""
    return (math.floor(now / slice_seconds) + 1) * slice_seconds

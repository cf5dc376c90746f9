"""Time as an argument: what a step may know of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Now:
    """`mono`: seconds of a clock that never jumps, for leases and timeouts. `wall`: aware UTC, for timestamps."""

    mono: float
    wall: datetime


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC: exact, and arithmetic with them never overflows as that of datetimes does."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    """The instant of `milliseconds`. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=at)

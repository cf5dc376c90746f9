"""Time as an argument: what a step may know of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct


class BootTime(Struct, frozen=True):
    """An instant whose date is not known: `mono` seconds on the clock of a run of the machine. `boot`: which run."""

    boot: str
    mono: float


class Now(Struct, frozen=True):
    """`mono`: seconds of a clock that never jumps, for leases and timeouts. `wall`: aware UTC, for timestamps.

    `known`: somebody vouches for `wall`; else it only went on from a time that is surely past. `boot`: the run of the
    machine in which `mono` counts.
    """

    mono: float
    wall: datetime
    known: bool = True
    boot: str = ""

    @property
    def undated(self) -> BootTime | None:
        """What a fact of now is dated by later; None: `wall` is its date."""
        return None if self.known else BootTime(self.boot, self.mono)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC: exact, and arithmetic with them never overflows as that of datetimes does."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    """The instant of `milliseconds`. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=at)

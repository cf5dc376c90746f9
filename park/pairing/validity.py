"""How long certificates are valid, and when one is renewed; nothing here depends on a clock that was never set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from park.model.time import Now

BEGINS = datetime(1970, 1, 1, tzinfo=UTC)  # where a board without a clock begins: it must believe certificates
BUILT = datetime(2026, 11, 1, tzinfo=UTC)  # of this release; a clock that shows less was never set
AUTHORITY = timedelta(days=30 * 365)  # ours: longer than the site's electronics live
BOARD = timedelta(days=365)  # ours: renewed by the board itself
RENEWED_AT = BOARD / 3  # left: four months in which a board that was switched off comes back by itself


class Validity(Struct, frozen=True):
    begins: datetime
    ends: datetime


def clock_is_known(wall: datetime) -> bool:
    return wall >= BUILT


def time_is_known(now: Now) -> bool:
    """Whether the date may be acted on: a clock that was lost shows a late one too, and nobody vouches for it."""
    return now.known and clock_is_known(now.wall)


def of_authority(wall: datetime) -> Validity:
    """The CA's and the server's own: counted from this release where the clock shows less."""
    return Validity(BEGINS, max(wall, BUILT) + AUTHORITY)


def of_board(wall: datetime, authority_ends: datetime) -> Validity:
    """A year; without a clock as long as the CA, because nobody knows when a year has passed."""
    ends = wall + BOARD if clock_is_known(wall) else authority_ends
    return Validity(BEGINS, min(ends, authority_ends))


def has_ended(ends: datetime, wall: datetime) -> bool:
    """Never while this clock is unknown."""
    return clock_is_known(wall) and ends <= wall


def renewal_is_due(ends: datetime, wall: datetime) -> bool:
    """Whether a third of the year is left, or it was made without a clock; never while this clock is unknown."""
    left = ends - wall
    return clock_is_known(wall) and (left <= RENEWED_AT or left > BOARD + RENEWED_AT)

"""Which period of a profile is in force at an instant, and until when that stays so."""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeAlias

from park.ocpp.profiles.profile import Period, Profile

Look: TypeAlias = "tuple[Period | None, int | None]"
"""What is in force, and the next instant (ms) at which this may be different; None: never."""


def look(profile: Profile, begin: int | None, at: int) -> Look:
    """`begin`: when the charging began, for schedules that say no time of their own; None: it has not begun.

    In force from validFrom on and before validTo, from the start of the schedule on and before its duration is over
    (OCPP 1.6 §7.8, §7.13). A recurring schedule begins anew each 24 hours or 7 days from startSchedule on, and not
    before it; summer time does not move it, for startSchedule is an instant.
    """
    if profile.valid_from is not None and at < profile.valid_from:
        return None, profile.valid_from
    if profile.valid_to is not None and at >= profile.valid_to:
        return None, None
    period, until = _within(profile, begin, at)
    return period, earliest(until, profile.valid_to)


def earliest(*instants: int | None) -> int | None:
    return min((each for each in instants if each is not None), default=None)


def _within(profile: Profile, begin: int | None, at: int) -> Look:
    origin = profile.start if profile.start is not None else begin
    if origin is None:
        return None, None
    if at < origin:
        return None, origin
    again = None
    if profile.recurs is not None:
        origin += (at - origin) // profile.recurs * profile.recurs
        again = origin + profile.recurs
    over = None if profile.duration is None else origin + profile.duration
    if over is not None and at >= over:
        return None, again
    number = bisect_right(profile.periods, at - origin, key=_start)
    following = origin + profile.periods[number].start if number < len(profile.periods) else None
    return profile.periods[number - 1], earliest(following, over, again)


def _start(period: Period) -> int:
    return period.start

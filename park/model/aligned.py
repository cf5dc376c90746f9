"""Intervals of the clock, counted from midnight UTC (B-068, B-125)."""

from __future__ import annotations

from datetime import datetime

SECONDS_A_DAY = 86_400
MARGIN_SECONDS = 0.001  # a wake-up for an interval comes just after its begin


def clock_slot(wall: datetime, interval_seconds: int) -> tuple[int, int]:
    """(day, interval of the day) of a wall-clock time."""
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    return wall.toordinal(), second // interval_seconds


def seconds_to_next_slot(wall: datetime, interval_seconds: int) -> float:
    """Until the next interval begins; a day begins a new one."""
    second = wall.hour * 3600 + wall.minute * 60 + wall.second + wall.microsecond / 1e6
    to_next = interval_seconds - second % interval_seconds
    return min(to_next, SECONDS_A_DAY - second) + MARGIN_SECONDS

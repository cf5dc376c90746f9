"""Limits that hold by the clock on the wall or by a digital input, as the configuration says (B-086, B-093)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from msgspec import Struct

from park.model.electric import PerPhase
from park.model.limit import Limit, LimitKind
from park.model.time import Now
from park.pairing.validity import time_is_known

DAY_MINUTES = 24 * 60
MINUTE_SECONDS = 60

InputLevels: TypeAlias = Mapping[tuple[str, int], bool | None]
"""Level of (node, number); missing or None: not known."""


class TimetableEntry(Struct, frozen=True):
    """A limit from `begins` to `ends` (minutes of the local day) on `days` (0: Monday), each day it begins.

    `ends` at or before `begins`: on the next day. `lag_seconds`: by how much it is late on this site, begin and end
    alike, so that not all sites move at once; drawn once by whoever makes the settings (B-086).
    """

    target: str
    source: str
    limit_ma: PerPhase
    begins: int
    ends: int
    days: frozenset[int] = frozenset(range(7))
    lag_seconds: int = 0

    def holds(self, wall: datetime, zone: tzinfo) -> bool:
        local = (wall - timedelta(seconds=self.lag_seconds)).astimezone(zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.begins) or (yesterday in self.days and minute < self.ends)


class InputLimit(Struct, frozen=True):
    """A limit while a digital input of a node is active. An input that is not known counts as active."""

    target: str
    limit_ma: PerPhase
    node: str
    number: int
    active_high: bool = True

    def holds(self, levels: InputLevels) -> bool:
        level = levels.get((self.node, self.number))
        return level is None or level is self.active_high


class Conditions(Struct, frozen=True):
    """All of them. `zone`: where the wall clock of the time tables hangs."""

    timetable: Sequence[TimetableEntry] = ()
    inputs: Sequence[InputLimit] = ()
    zone: tzinfo = UTC

    def limits(self, now: Now, levels: InputLevels) -> Iterator[Limit]:
        """What is asked for now. While the time is not known, every entry of a time table holds."""
        known = time_is_known(now)
        for entry in self.timetable:
            if not known or entry.holds(now.wall, self.zone):
                yield Limit(entry.target, LimitKind.TIMETABLE, entry.source, entry.limit_ma)
        for each in self.inputs:
            if each.holds(levels):
                source = f"input {each.number} of {each.node}"
                yield Limit(each.target, LimitKind.INPUT, source, each.limit_ma)

    def seconds_to_next(self, wall: datetime) -> float | None:
        """How soon a time table has to be looked at again: entries begin and end at whole minutes and their lag."""
        if not self.timetable:
            return None
        return min(
            MINUTE_SECONDS - (wall - timedelta(seconds=lag)).timestamp() % MINUTE_SECONDS
            for lag in {entry.lag_seconds for entry in self.timetable}
        )

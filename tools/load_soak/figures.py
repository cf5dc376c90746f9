"""What a soak counts and measures: decisions, overloads, slack, fairness, use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from park.load.state import CoordinatorState

MA = 1000.0  # in an ampere
HOUR = 3600.0


class CountedState(CoordinatorState):
    """A coordinator's state that counts the plans made from it: each ends what made the one before stale."""

    __slots__ = ("plans",)

    @property
    def stale_plan(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return _STALE.__get__(self)

    @stale_plan.setter
    def stale_plan(self, stale: bool) -> None:
        if not stale and self.stale_plan:
            self.plans = getattr(self, "plans", 0) + 1
        _STALE.__set__(self, stale)


_STALE = CoordinatorState.__dict__["stale_plan"]


SUMS = (
    "runs", "seconds", "deep_seconds", "real_seconds", "points", "circuits", "plans", "grants", "readings",
    "jain_sum", "jain_count", "used_sum", "used_count", "calm_sum", "calm_count",
)  # fmt: skip


@dataclass(slots=True)
class Overload:
    """One phase of one circuit: since when too much flows, and how much that is by now."""

    since: float | None = None
    ampere_seconds: float = 0.0


@dataclass(slots=True)
class Figures:
    """Of one run or of many. Times in seconds, currents in mA unless the name says otherwise.

    `least_slack_ma`: below the limit while nothing had changed for 12 s, our own current included; None: never so.
    `shares`: Jain's index of vehicles that are alike and have less than they could take: (sum, count, smallest).
    `used`: how full the fullest conductor was above a vehicle that would have taken more: (sum, count).
    `calm`: the same from 30 s after the last disturbance, where every charge point has a meter (S10).
    """

    runs: int = 0
    seconds: float = 0.0
    deep_seconds: float = 0.0
    real_seconds: float = 0.0
    points: int = 0
    circuits: int = 0
    deepest: int = 0
    plans: int = 0
    grants: int = 0
    readings: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    deeds: Counter[str] = field(default_factory=Counter[str])
    worst_ampere_seconds: float = 0.0
    longest_over: float = 0.0
    highest_load: float = 0.0
    least_slack_ma: int | None = None
    jain_sum: float = 0.0
    jain_count: int = 0
    jain_least: float = 1.0
    used_sum: float = 0.0
    used_count: int = 0
    calm_sum: float = 0.0
    calm_count: int = 0
    broken: Counter[str] = field(default_factory=Counter[str])
    failed: list[int] = field(default_factory=list[int])

    def add(self, other: Figures) -> None:
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("deepest", "worst_ampere_seconds", "longest_over", "highest_load"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.jain_least = min(self.jain_least, other.jain_least)
        for counter in ("faults", "deeds", "broken"):
            getattr(self, counter).update(getattr(other, counter))
        slacks = [each.least_slack_ma for each in (self, other) if each.least_slack_ma is not None]
        self.least_slack_ma = min(slacks, default=None)
        self.failed += other.failed

    # ------------------------------------------------------------ measuring

    def flowed(self, overload: Overload, now: float, elapsed: float, flow_ma: int, limit_ma: int) -> None:
        """What flowed on one phase of one circuit during the last look."""
        if flow_ma <= limit_ma:
            overload.since, overload.ampere_seconds = None, 0.0
            return
        if overload.since is None:
            overload.since = now - elapsed
        overload.ampere_seconds += (flow_ma - limit_ma) / MA * elapsed
        self.worst_ampere_seconds = max(self.worst_ampere_seconds, overload.ampere_seconds)
        self.longest_over = max(self.longest_over, now - overload.since)
        if limit_ma > 0:
            self.highest_load = max(self.highest_load, flow_ma / limit_ma)

    def spare(self, slack_ma: int) -> None:
        self.least_slack_ma = slack_ma if self.least_slack_ma is None else min(self.least_slack_ma, slack_ma)

    def shared(self, alike: Sequence[tuple[object, int]]) -> None:
        """(what makes vehicles alike, mA each has), of those who charge and have less than they could take."""
        for _, members in groupby(sorted(alike, key=lambda each: str(each[0])), key=lambda each: each[0]):
            currents = [current for _, current in members]
            if len(currents) > 1:
                index = sum(currents) ** 2 / (len(currents) * sum(current**2 for current in currents))
                self.jain_sum += index
                self.jain_count += 1
                self.jain_least = min(self.jain_least, index)

    def used(self, share: float, *, calm: bool) -> None:
        if calm:
            self.calm_sum += min(1.0, share)
            self.calm_count += 1
        self.used_sum += min(1.0, share)
        self.used_count += 1

    # ------------------------------------------------------------ telling

    @property
    def is_fine(self) -> bool:
        return not self.failed

    @property
    def deep_share(self) -> float:
        return self.deep_seconds / self.seconds if self.seconds else 0.0

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.runs} parks, {self.circuits} circuits, {self.points} charge points, {self.seconds / HOUR:.1f} h"
        yield f"{100 * self.deep_share:.0f} % of the time on trees of 3 to {self.deepest} levels with 50 points or more"
        yield f"{self.plans} allocation decisions (plans for the whole park), {self.real_seconds:.0f} s of a processor"
        yield f"{self.grants} grants, {self.readings} readings"
        yield f"{self.faults.total()} faults: {_told(self.faults)}"
        yield f"{self.deeds.total()} events: {_told(self.deeds)}"
        over, longest = self.worst_ampere_seconds, self.longest_over
        load = 100 * self.highest_load
        yield f"worst overload {over:.0f} A·s, longest {longest:.2f} s, highest {load:.0f} % of a limit"
        slack = "never quiet" if self.least_slack_ma is None else f"{self.least_slack_ma / MA:.2f} A"
        yield f"smallest slack where nothing had changed for 12 s: {slack}"
        jain = self.jain_sum / max(1, self.jain_count)
        yield f"fairness of {self.jain_count} groups of vehicles that are alike (Jain): {jain:.4f} on average"
        used, calm = self.used_sum / max(1, self.used_count), self.calm_sum / max(1, self.calm_count)
        yield f"use of the fullest limit above a vehicle that would take more: {100 * used:.1f} %, faults included"
        calmly = f"{100 * calm:.1f} % of {self.calm_count} looks"
        yield f"the same from 30 s after the last disturbance, where all are metered: {calmly}"
        broken = f"BROKEN: {_told(self.broken)}; seeds {self.failed}"
        yield broken if self.failed else "no promise broken: S1 S2 S3 S4 S5 S6 S7 S8 S10 S11"


def _told(counter: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counter.items()))

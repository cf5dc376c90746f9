"""What would be exported if nobody charged, steady enough to charge with it."""

from __future__ import annotations

from collections import deque
from operator import add, sub
from typing import TypeAlias

from park.model.electric import PerPhase

STEP_MA = 250  # as foreign loads: a surplus is counted rounded down to this …
DEADBAND_MA = 500  # … and a smaller rise is not worth new grants

Amounts: TypeAlias = tuple[int, ...]
"""mA on the sum of the phases (one number), or on L1, L2, L3."""


class Surplus:
    """Believed at once when it falls, and when it rises only after `start_seconds`: jitter moves no grant. Mutable.

    `held_ma`: at least 0; nothing before the meter was read for so long, and nothing while it is stale.
    `now_ma`: the average as it is.
    """

    __slots__ = (
        "_average_seconds",
        "_averages",
        "_each_phase",
        "_start_seconds",
        "_sum",
        "_window",
        "held_ma",
        "now_ma",
    )

    def __init__(self, *, each_phase: bool, average_seconds: float, start_seconds: float) -> None:
        self._each_phase = each_phase
        self._average_seconds, self._start_seconds = average_seconds, start_seconds
        self._window: deque[tuple[float, Amounts]] = deque()
        self._averages: deque[tuple[float, Amounts]] = deque()
        self._sum = self.held_ma = self.now_ma = self._nothing()

    def read(self, exported_ma: PerPhase, at: float) -> None:
        """One reading: signed mA that would be exported on each phase, taken at mono `at`."""
        taken: Amounts = exported_ma if self._each_phase else (sum(exported_ma),)
        if self._window and at <= self._window[-1][0]:
            return  # overtaken by a newer one
        self._window.append((at, taken))
        self._sum = tuple(map(add, self._sum, taken))
        while self._window[0][0] <= at - self._average_seconds and len(self._window) > 1:
            self._sum = tuple(map(sub, self._sum, self._window.popleft()[1]))
        count = len(self._window)
        average = tuple(total // count for total in self._sum)
        self._averages.append((at, average))
        self.now_ma = tuple(max(0, each) for each in average)
        self._settle(at)

    def lost(self) -> None:
        """The meter cannot be trusted: no sun, until it was read for long enough again."""
        self._window.clear()
        self._averages.clear()
        self._sum = self.held_ma = self.now_ma = self._nothing()

    def _settle(self, at: float) -> None:
        averages, since = self._averages, at - self._start_seconds
        while len(averages) > 1 and averages[1][0] <= since:
            averages.popleft()
        if averages[0][0] > since:
            return  # not known for long enough
        lowest = (min(each) for each in zip(*(average for _, average in averages), strict=True))
        steady = tuple(max(0, each - each % STEP_MA) for each in lowest)
        self.held_ma = tuple(
            new if new <= held or new >= held + DEADBAND_MA else held
            for new, held in zip(steady, self.held_ma, strict=True)
        )

    def _nothing(self) -> Amounts:
        return (0, 0, 0) if self._each_phase else (0,)

"""A fuse as the thermometer of a circuit: how hot it got, how high the current went and how long it was too high."""

from __future__ import annotations

import math

from msgspec import Struct

from park.model.electric import PerPhase

TAU_SECONDS = 60.0  # assumed typical thermal time constant of a line circuit breaker
TRIP_RATIO = 1.13  # IEC 60898-1: conventional non-tripping current, 1.13 × nominal


class FuseRecord(Struct, frozen=True):
    """What a fuse has seen. `peak_ratio`: largest current / limit on any phase. Times in seconds, of the worst phase.

    `heat` is (I / limit)² after the fuse's inertia; the fuse trips above 1.13². `tripped_at` is a mono time.
    """

    peak_ratio: float
    seconds_above: float
    longest_above: float
    peak_heat: float
    tripped_at: float | None


class Fuse:
    """Thermal model: heat' = ((I / limit)² - heat) / tau on each phase, exact for current constant within a step.

    It only records: a tripped fuse goes on conducting, so that a test sees everything that happened after.
    """

    __slots__ = (
        "_above", "_decay", "_decay_for", "_heat", "_limit", "_longest", "_peak_heat", "_ratio", "_run", "_tripped_at",
        "limit_ma",
    )  # fmt: skip

    def __init__(self, limit_ma: PerPhase) -> None:
        self.limit_ma = limit_ma
        self._limit = [max(1, limit) for limit in limit_ma]
        self._heat = [0.0, 0.0, 0.0]
        self._above = [0.0, 0.0, 0.0]
        self._run = [0.0, 0.0, 0.0]
        self._longest = 0.0
        self._peak_heat = 0.0
        self._ratio = 0.0
        self._tripped_at: float | None = None
        self._decay_for = 0.0
        self._decay = 1.0

    def carry(self, current_ma: PerPhase, seconds: float, until: float) -> None:
        """Carry a constant current (magnitude counts) for `seconds`, ending at mono `until`."""
        if seconds != self._decay_for:
            self._decay_for = seconds
            self._decay = math.exp(-seconds / TAU_SECONDS)
        decay = self._decay
        heat = self._heat
        for phase in (0, 1, 2):
            ratio = abs(current_ma[phase]) / self._limit[phase]
            target = ratio * ratio
            now = target + (heat[phase] - target) * decay
            heat[phase] = now
            if now > self._peak_heat:
                self._peak_heat = now
                if now > TRIP_RATIO * TRIP_RATIO and self._tripped_at is None:
                    self._tripped_at = until
            self._ratio = max(self._ratio, ratio)
            if ratio > 1.0:
                self._above[phase] += seconds
                self._run[phase] += seconds
                self._longest = max(self._longest, self._run[phase])
            elif seconds > 0.0:
                self._run[phase] = 0.0

    def record(self) -> FuseRecord:
        """All it has seen since it was made."""
        return FuseRecord(self._ratio, max(self._above), self._longest, self._peak_heat, self._tripped_at)

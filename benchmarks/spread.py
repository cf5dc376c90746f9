"""What many measurements of one thing say: the usual, the rare and the worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile (nearest rank) and largest of `count` values; all NaN when there is none."""

    p50: float
    p99: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        ordered = sorted(values)
        if not ordered:
            return cls(math.nan, math.nan, math.nan, 0)
        return cls(_ranked(ordered, 0.5), _ranked(ordered, 0.99), ordered[-1], len(ordered))


def _ranked(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

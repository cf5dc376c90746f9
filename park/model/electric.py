"""Currents per phase, and which grid phase a vehicle's phase hangs on.

Currents are integers of milliamperes, powers integers of watts: no float comparison decides about a fuse.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

PerPhase: TypeAlias = tuple[int, int, int]
"""Milliamperes on grid phases L1, L2, L3."""

Phases: TypeAlias = tuple[int, ...]
"""Ascending phase numbers out of 1, 2, 3."""

ZERO: PerPhase = (0, 0, 0)
PHASE_NAMES = ("L1", "L2", "L3")
NOMINAL_VOLTAGE_MV = 230_000  # IEC 60038: 230/400 V
HIGHEST_VOLTAGE_MV = NOMINAL_VOLTAGE_MV * 11 // 10  # safety §1: nominal + 10 % (IEC 60038) where none is measured
MINIMUM_CURRENT_MA = 6_000  # IEC 61851-1 A.5: smallest current a control pilot can offer


class Wiring(Enum):
    """Which grid phases (R, S, T = L1, L2, L3) the connector's L1, L2, L3 hang on (OCPP ConnectorPhaseRotation)."""

    RST = "RST"
    RTS = "RTS"
    STR = "STR"
    SRT = "SRT"
    TSR = "TSR"
    TRS = "TRS"
    UNKNOWN = "unknown"

    def grid_phases(self, used: int) -> Phases:
        """Grid phases loaded by a load on the connector's first `used` (1, 2, 3) phases; all of them when unknown."""
        if self is Wiring.UNKNOWN:
            return (1, 2, 3)
        return tuple(sorted("RST".index(letter) + 1 for letter in self.value[:used]))


def on_phases(current_ma: int, phases: Phases) -> PerPhase:
    """The same current on each of the given grid phases, 0 on the others."""
    first, second, third = [current_ma if phase in phases else 0 for phase in (1, 2, 3)]
    return (first, second, third)


def add(a: PerPhase, b: PerPhase) -> PerPhase:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def subtract(a: PerPhase, b: PerPhase) -> PerPhase:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def lowest(a: PerPhase, b: PerPhase) -> PerPhase:
    return (min(a[0], b[0]), min(a[1], b[1]), min(a[2], b[2]))


def highest(a: PerPhase, b: PerPhase) -> PerPhase:
    return (max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2]))

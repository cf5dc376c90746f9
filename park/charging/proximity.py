"""What the plug in a socket outlet can carry: the proximity resistor (IEC 61851-1 Annex B)."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class ProximityFault(Enum):
    """Why the resistor gives no rating; values are the reasons named in rule B-247."""

    MISSING = "ProximityNoCable"
    INVALID = "ProximityInvalid"


class CableCode(Struct, frozen=True):
    """One row of Table B.2: a resistance from `from_ohms` up to the row above means this rating."""

    nominal_ohms: int
    from_ohms: float
    rating_ma: int
    single_phase_ma: int


CABLE_CODES = (
    CableCode(1_500, 1_000.0, 13_000, 13_000),
    CableCode(680, 330.0, 20_000, 20_000),
    CableCode(220, 150.0, 32_000, 32_000),
    CableCode(100, 50.0, 63_000, 70_000),
)
LARGEST_CODE_OHMS = 2_700.0  # Table B.2: the 13 A window ends here
OPEN_CIRCUIT_OHMS = 4_500.0  # Table B.2: above this there is no plug


def cable_rating(ohms: float | None, phases: int) -> int | ProximityFault:
    """Milliamperes per phase the cable may carry on `phases` phases, or why that is unknown.

    On a border between two windows the smaller rating holds.
    """
    if ohms is None or ohms > OPEN_CIRCUIT_OHMS:
        return ProximityFault.MISSING
    if ohms <= LARGEST_CODE_OHMS:
        for code in CABLE_CODES:
            if ohms >= code.from_ohms:
                return code.single_phase_ma if phases == 1 else code.rating_ma
    return ProximityFault.INVALID

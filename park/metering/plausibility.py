"""Whether a sample fits the meter and what it said before: range, energy register, a display that stands still."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from park.model.metering import Sample

HIGHEST_VOLTAGE_V = 300  # phase to neutral; 230 V + 10 % (IEC 60038) with room for a lost neutral
REBASE_AFTER = 3  # answers in a row that continue from the new register value: a reset, not a misread answer
LOADED_MA = 1_000  # below this a steady display is believable
ENERGY_SLACK_WH = 100  # register steps of up to 0.1 kWh


class Continuity(Struct, frozen=True):
    """The energy register's history: what was published, and a new base that is not yet believed.

    A register that jumps back (reset, rollover, exchanged meter) or ahead by more than the meter can measure is
    refused until `REBASE_AFTER` answers in a row go on from there; then the published energy goes on from its last
    good value. What flowed in between is lost to the register and is not invented.
    """

    raw_wh: int | None = None  # register at the newest good sample
    mono: float = 0.0
    offset_wh: int = 0  # published energy − register
    suspect_wh: int = 0  # register at the newest refused sample
    suspect_mono: float = 0.0
    suspects: int = 0  # refused samples in a row that continue each other


def outside_rating(sample: Sample, maximum_ma: int) -> str | None:
    """Why the currents or the power cannot be what this meter measured; None when they can."""
    a, b, c = sample.currents_ma
    within = max(a, b, c) <= maximum_ma and min(a, b, c) >= -maximum_ma
    if within and abs(sample.power_w) <= _highest_power_w(maximum_ma) and sample.energy_wh >= 0:
        return None
    for phase, current in enumerate(sample.currents_ma, start=1):
        if not -maximum_ma <= current <= maximum_ma:
            return f"L{phase} is {current / 1000:g} A, this meter measures up to {maximum_ma / 1000:g} A"
    if sample.energy_wh < 0:
        return f"the energy register is {sample.energy_wh} Wh"
    return f"power is {sample.power_w} W, more than 3 phases of {maximum_ma / 1000:g} A carry"


def follow(continuity: Continuity, energy_wh: int, mono: float, maximum_ma: int) -> tuple[Continuity, str | None]:
    """Take in a register value; the text says why it is refused, None when it is good."""
    if continuity.raw_wh is None:
        return Continuity(energy_wh, mono), None
    if _continues(continuity.raw_wh, continuity.mono, energy_wh, mono, maximum_ma):
        return Continuity(energy_wh, mono, continuity.offset_wh), None
    goes_on = continuity.suspects > 0 and _continues(
        continuity.suspect_wh, continuity.suspect_mono, energy_wh, mono, maximum_ma
    )
    suspects = continuity.suspects + 1 if goes_on else 1
    if suspects >= REBASE_AFTER:
        published = continuity.raw_wh + continuity.offset_wh
        return Continuity(energy_wh, mono, published - energy_wh), None
    problem = f"the energy register went from {continuity.raw_wh} Wh to {energy_wh} Wh"
    return replace(continuity, suspect_wh=energy_wh, suspect_mono=mono, suspects=suspects), problem


def is_loaded(sample: Sample) -> bool:
    return any(abs(current) >= LOADED_MA for current in sample.currents_ma)


def _continues(before_wh: int, before: float, energy_wh: int, mono: float, maximum_ma: int) -> bool:
    possible_wh = _highest_power_w(maximum_ma) * max(0.0, mono - before) / 3600 + ENERGY_SLACK_WH
    return before_wh <= energy_wh <= before_wh + possible_wh


def _highest_power_w(maximum_ma: int) -> int:
    return 3 * maximum_ma * HIGHEST_VOLTAGE_V // 1000

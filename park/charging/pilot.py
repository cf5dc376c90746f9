"""What the control pilot says: duty cycle ↔ current, and the states A–F behind its voltage (IEC 61851-1 Annex A)."""

from __future__ import annotations

import math
from enum import Enum

from park.model.electric import MINIMUM_CURRENT_MA
from park.model.evse import PilotState

MAXIMUM_CURRENT_MA = 80_000  # IEC 61851-1 Table A.8: largest current a duty cycle can offer
IDLE_DUTY = 100.0  # steady +12 V: nothing offered
FAULT_DUTY = 0.0  # steady -12 V: EVSE not available, state F
DIGITAL_DUTY = 5.0  # asks for digital communication (ISO 15118)

LOW_SLOPE_MA = 600  # mA per percent, 10–85 %
LOW_SLOPE_TOP = 85.0
HIGH_SLOPE_MA = 2_500  # mA per percent above HIGH_SLOPE_ZERO, 85–96 %
HIGH_SLOPE_ZERO = 64.0
HIGH_SLOPE_TOP = 96.0

PILOT_TOLERANCE_VOLTS = 1.0  # IEC 61851-1 Table A.4: generator side windows
PILOT_VOLTS = {
    12.0: PilotState.A,
    9.0: PilotState.B,
    6.0: PilotState.C,
    3.0: PilotState.D,
    0.0: PilotState.E,
    -12.0: PilotState.F,
}


class DutyMeaning(Enum):
    """How a vehicle reads a duty cycle (IEC 61851-1 Table A.8)."""

    UNAVAILABLE = "unavailable"  # 0 %: state F
    DIGITAL = "digital"  # 3–7 %: digital communication decides
    CURRENT = "current"  # 8–97 %: this much may be drawn
    IDLE = "idle"  # 100 %: free, or nothing offered
    NO_CHARGING = "no charging"  # everything else


def meaning_of(duty: float) -> DutyMeaning:
    """Read a duty cycle in percent; values that no pilot can have (NaN, < 0, > 100) mean no charging."""
    if duty == FAULT_DUTY:
        return DutyMeaning.UNAVAILABLE
    if duty == IDLE_DUTY:
        return DutyMeaning.IDLE
    if 3.0 <= duty <= 7.0:  # noqa: PLR2004 - Table A.8
        return DutyMeaning.DIGITAL
    if 8.0 <= duty <= 97.0:  # noqa: PLR2004 - Table A.8
        return DutyMeaning.CURRENT
    return DutyMeaning.NO_CHARGING


def current_for(duty: float) -> int:
    """Milliamperes a vehicle may draw per phase at this duty cycle in percent; 0 where none is offered by it."""
    if meaning_of(duty) is not DutyMeaning.CURRENT:
        return 0
    if duty < 10.0:  # noqa: PLR2004 - Table A.8
        return MINIMUM_CURRENT_MA
    if duty <= LOW_SLOPE_TOP:
        return round(duty * LOW_SLOPE_MA)
    if duty <= HIGH_SLOPE_TOP:
        return round((duty - HIGH_SLOPE_ZERO) * HIGH_SLOPE_MA)
    return MAXIMUM_CURRENT_MA


def duty_for(current_ma: int) -> float:
    """Duty cycle in percent that offers at most `current_ma`; 0 mA is 100 % (nothing offered).

    Raises ValueError below 6 A or above 80 A: no duty cycle says such a current. Between 51 A and 52.5 A the
    two slopes of the standard leave a gap; 85 % offers the lower end.
    """
    if current_ma == 0:
        return IDLE_DUTY
    if not MINIMUM_CURRENT_MA <= current_ma <= MAXIMUM_CURRENT_MA:
        raise ValueError(
            f"{current_ma} mA: a control pilot offers 0 or {MINIMUM_CURRENT_MA} to {MAXIMUM_CURRENT_MA} mA"
        )
    low = current_ma / LOW_SLOPE_MA
    if low <= LOW_SLOPE_TOP:
        return low
    return max(LOW_SLOPE_TOP, current_ma / HIGH_SLOPE_MA + HIGH_SLOPE_ZERO)


def state_at(volts: float) -> PilotState | None:
    """State shown by the positive pilot level (-12 V steady for F); None between the windows: keep the last one."""
    if not math.isfinite(volts):
        return None
    for level, state in PILOT_VOLTS.items():
        if abs(volts - level) <= PILOT_TOLERANCE_VOLTS:
            return state
    return None

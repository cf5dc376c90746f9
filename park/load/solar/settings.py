"""How the charge points below a circuit follow the sun."""

from __future__ import annotations

from msgspec import Struct

from park.model.solar import SolarMode

AVERAGE_SECONDS = 15.0  # ours: a kettle's thermostat and the skew between two meters move nothing
START_SECONDS = 60.0  # evcc, "enable delay" of PV mode: so long enough sun before more is taken
STAY_SECONDS = 180.0  # evcc, "disable delay" of PV mode: so long too little sun before anybody pauses


class Solar(Struct, frozen=True):
    """What charge points below `circuit` take is limited by the sun.

    `meter`: signed, in line, of this circuit or one above it: it sees house, sun and these charge points.
    `each_phase`: what one phase exports does not count for another; else the sum of the phases counts.
    `grid_ma`: in mode `solar` at most so much from the grid on each phase, on their sum three times as much.
    `average_seconds`: of the surplus. `start_seconds`: it must be there for so long before more is taken; then also the
    shortest pause. `stay_seconds`: it must be missing for so long before a vehicle that charges has less than its
    minimum; then also the shortest time it charges.
    """

    circuit: str
    meter: str
    mode: SolarMode = SolarMode.SURPLUS
    each_phase: bool = False
    grid_ma: int = 0
    average_seconds: float = AVERAGE_SECONDS
    start_seconds: float = START_SECONDS
    stay_seconds: float = STAY_SECONDS

"""What charge points may take by the sun, so that nobody begins and pauses with every cloud (B-085)."""

from __future__ import annotations

from operator import add

from park.load.solar.settings import Solar
from park.load.solar.surplus import Amounts, Surplus
from park.model.electric import PHASE_NAMES
from park.model.solar import SolarMode


class Ceiling:
    """Of one circuit, with the mode in force. Mutable.

    `ends_at`: mono at which who charges with too little sun has to pause; None: nobody has.
    """

    __slots__ = ("_solar", "ends_at", "mode")

    def __init__(self, solar: Solar) -> None:
        self._solar = solar
        self.mode = solar.mode
        self.ends_at: float | None = None

    def allowed_ma(self, surplus: Surplus, charging_ma: Amounts, wanting_ma: Amounts, now: float) -> Amounts | None:
        """None: no limit. `charging_ma`: the minima of those who charge, `wanting_ma`: of all who want to."""
        if self.mode is SolarMode.GRID:
            self.ends_at = None
            return None
        target = self._with_grid(surplus.held_ma, wanting_ma)
        if all(map(int.__ge__, self._with_grid(surplus.now_ma, wanting_ma), charging_ma)):
            self.ends_at = None
        elif self.ends_at is None:
            self.ends_at = now + self._solar.stay_seconds
        pauses = self.ends_at is not None and now >= self.ends_at
        return target if pauses else tuple(map(max, target, charging_ma))

    def _with_grid(self, surplus_ma: Amounts, wanting_ma: Amounts) -> Amounts:
        """The sun, and in mode `solar` from the grid no more than what it leaves missing to the minima."""
        if self.mode is SolarMode.SURPLUS:
            return surplus_ma
        each = self._solar.grid_ma
        grid = (each,) * len(PHASE_NAMES) if self._solar.each_phase else (each * len(PHASE_NAMES),)
        return tuple(map(max, surplus_ma, map(min, wanting_ma, map(add, surplus_ma, grid))))

"""Electric cars on the control pilot: when they close S2, how much they draw, and when they are full."""

from __future__ import annotations

import math
from collections import deque
from enum import Enum

from msgspec import Struct

from park.model.electric import MINIMUM_CURRENT_MA

NEVER = math.inf

REACTION_SECONDS = 1.0  # an ordinary car; IEC 61851-1 A.3 allows 5 s from a new duty cycle to the new current
SLOW_REACTION_SECONDS = 4.8  # the slowest that keeps those 5 s when it is only looked at every 100 ms
STOP_SECONDS = 3.0  # IEC 61851-1 A.3: the car opens S2 within 3 s after the pilot goes steady
MATCH_SECONDS = 1.0  # design: a car that answers to SLAC does so within about a second
GREED_PERCENT = 8  # overdraw a park must bear without cutting the car off (it may be cut above 10 %)
TAPER_SHARE = 0.2  # the last fifth of the charge is drawn with falling current, as by a battery near full
TAPER_STEPS = 10  # stairs of that fall: between stairs the current is constant, so energy stays exact
FULL_WITHIN_WH = 1e-6  # less missing than this is rounding


class Behaviour(Enum):
    """How a car follows the pilot; the values are the words of `chargepark bench plug --behaviour`."""

    NORMAL = "normal"
    SLOW = "slow"  # follows as late as the standard allows
    GREEDY = "greedy"  # draws 8 % more than it is offered
    TAPER = "taper"  # its current falls towards the end of the charge
    FULL = "full"  # plugged, wants nothing: stays in state B
    ASLEEP = "asleep"  # stays in state B until 0 V on the pilot wakes it, then as normal
    IGNORES = "ignores"  # once offered anything, draws its maximum whatever the pilot says afterwards


class VehicleSpec(Struct, frozen=True):
    """A car with its cable. `minimum_ma`: offered less, it waits in state B. `energy_wh`: what it takes until full.

    `mac`: what it answers to SLAC, sense or nonsense; empty: it answers nothing.
    """

    phases: int = 3
    maximum_ma: int = 32_000
    minimum_ma: int = MINIMUM_CURRENT_MA
    energy_wh: float = 20_000.0
    behaviour: Behaviour = Behaviour.NORMAL
    mac: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a car that cannot exist."""
        if self.phases not in {1, 2, 3}:
            raise ValueError(f"a car charges on 1, 2 or 3 phases, not on {self.phases}")
        if not MINIMUM_CURRENT_MA <= self.minimum_ma <= self.maximum_ma:
            raise ValueError(
                f"minimum current {self.minimum_ma / 1000:g} A: must lie between {MINIMUM_CURRENT_MA / 1000:g} A"
                f" and the maximum of {self.maximum_ma / 1000:g} A"
            )
        if not (math.isfinite(self.energy_wh) and self.energy_wh >= 0):
            raise ValueError(f"energy {self.energy_wh} Wh: must be a number from 0 up")


class Vehicle:
    """One car while it is plugged in. `ready`: S2 is closed (state C); `demand_ma`: what it draws a phase given mains.

    It follows the pilot with a pure delay: what it draws now was offered within the last reaction time (times greed).
    """

    __slots__ = (
        "_asleep", "_followed_ma", "_offered_before", "_offers", "_reaction", "demand_ma", "ready", "received_wh",
        "spec",
    )  # fmt: skip

    def __init__(self, spec: VehicleSpec) -> None:
        self.spec = spec
        self.received_wh = 0.0
        self.ready = False
        self.demand_ma = 0
        self._reaction = SLOW_REACTION_SECONDS if spec.behaviour is Behaviour.SLOW else REACTION_SECONDS
        self._offers: deque[tuple[float, int]] = deque()  # (when it will follow, offered)
        self._followed_ma = 0
        self._offered_before = False
        self._asleep = spec.behaviour is Behaviour.ASLEEP

    def see(self, offered_ma: int, mono: float) -> None:
        """Notice a changed pilot; 0: steady, nothing offered. The car acts on it at `next_change`."""
        stops = offered_ma < self.spec.minimum_ma
        due = mono + (min(self._reaction, STOP_SECONDS) if stops else self._reaction)
        while self._offers and self._offers[-1][0] >= due:  # a stop overtakes the raise that was not yet followed
            self._offers.pop()
        self._offers.append((due, offered_ma))

    def wake(self) -> None:
        """Notice 0 V on the pilot."""
        self._asleep = False

    def next_change(self) -> float:
        """Mono of the next thing the car does by itself; `NEVER` if none is due."""
        return self._offers[0][0] if self._offers else NEVER

    def settle(self, mono: float) -> None:
        """Do what is due by `mono`, and look at the state of charge again."""
        while self._offers and self._offers[0][0] <= mono:
            self._followed_ma = self._offers.popleft()[1]
            self._offered_before = self._offered_before or self._followed_ma >= MINIMUM_CURRENT_MA
        self.ready = self._wants() and self._follows()
        self.demand_ma = self._demand() if self.ready else 0

    def energy_to_change(self) -> float:
        """Wh until the demand changes by the state of charge: the next stair of a taper, or full."""
        missing = self.spec.energy_wh - self.received_wh
        if self.spec.behaviour is Behaviour.TAPER:
            return missing - self._stairs_left(missing) * self._stair_wh()
        return max(missing, 0.0)

    def _wants(self) -> bool:
        if self._asleep or self.spec.behaviour is Behaviour.FULL:
            return False
        return self.spec.energy_wh - self.received_wh > FULL_WITHIN_WH

    def _follows(self) -> bool:
        if self.spec.behaviour is Behaviour.IGNORES:
            return self._offered_before
        return self._followed_ma >= self.spec.minimum_ma

    def _demand(self) -> int:
        most = self.spec.maximum_ma
        match self.spec.behaviour:
            case Behaviour.IGNORES:
                return most
            case Behaviour.GREEDY:
                return min(most, self._followed_ma * (100 + GREED_PERCENT) // 100)
            case Behaviour.TAPER:
                return min(self._followed_ma, self._tapered())
            case _:
                return min(most, self._followed_ma)

    def _tapered(self) -> int:
        """Current on the stair the battery stands on, at least the car's minimum."""
        stairs = self._stairs_left(self.spec.energy_wh - self.received_wh)
        return max(self.spec.minimum_ma, self.spec.maximum_ma * stairs // TAPER_STEPS)

    def _stair_wh(self) -> float:
        return self.spec.energy_wh * TAPER_SHARE / TAPER_STEPS

    def _stairs_left(self, missing: float) -> int:
        """Whole stairs that lie below the missing energy; `TAPER_STEPS` before the taper begins."""
        stairs = math.ceil((missing - FULL_WITHIN_WH) / self._stair_wh()) - 1
        return max(0, min(stairs, TAPER_STEPS))

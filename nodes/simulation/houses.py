"""The other loads of a building: they follow the hours of the scenario, with noise drawn every so often."""

from __future__ import annotations

from random import Random

from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.scenario import HOURS, House
from nodes.simulation.world import SimulatedWorld
from park.model.electric import PerPhase

HOUR = 3600.0


class SimulatedHouse:
    """Changes the load at one meter. Its random source is its own: one more draw elsewhere changes nothing here."""

    def __init__(self, world: SimulatedWorld, hardware: SimulatedHardware, house: House, random: Random) -> None:
        self._world, self._hardware, self._house, self._random = world, hardware, house, random

    def change(self) -> None:
        """Set the load of this moment, and again after the noise's period."""
        now = self._world.now()
        hour = now.wall.hour + now.wall.minute / 60.0 + now.wall.second / HOUR
        self._hardware.site.load(self._house.meter, self._load(hour), now.mono)
        self._hardware.changed()
        self._world.after(self._house.noise_seconds, self.change)

    def _load(self, hour: float) -> PerPhase:
        before, share = int(hour) % HOURS, hour % 1.0
        pairs = zip(self._house.amps[before], self._house.amps[(before + 1) % HOURS], strict=True)
        a, b, c = (self._noisy(first + (then - first) * share) for first, then in pairs)
        return (a, b, c)

    def _noisy(self, amps: float) -> int:
        """In mA; noise makes no generator of a load."""
        noise = self._house.noise_amps
        noisy = round(1000 * (amps + self._random.uniform(-noise, noise)))
        return max(0, noisy) if amps >= 0 else noisy

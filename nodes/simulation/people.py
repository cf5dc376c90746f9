"""Drivers in the simulated world: they come, plug in, hold their cards to the reader, and leave in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random

from msgspec import Struct

from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.scenario import Arrivals, Car
from nodes.simulation.world import SimulatedWorld
from park.physics.vehicle import Behaviour, VehicleSpec

HOUR = 3600.0
PATIENCE_SECONDS = 45.0  # a driver whose car is not accepted by then holds the card up once more
TRIES = 3


class Visit(Struct, eq=False):
    """One car at one charge point."""

    charge_point: str
    tag: str
    tries: int = 0


class People:
    """Decides by its own random source, so that the scheduler's draws change nothing about who comes.

    `readers`: near each charge point, tried one after the other; where none is named, that of the arrivals.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        hardware: SimulatedHardware,
        arrivals: Arrivals,
        random: Random,
        charging: Callable[[str], bool],
        readers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.visits = 0
        self.turned_away = 0
        self._world, self._hardware, self._arrivals, self._random = world, hardware, arrivals, random
        self._charging = charging
        self._readers = readers or {}
        self._free = sorted(hardware.site.evses)
        self._resting = sorted(arrivals.tags)
        self._here: list[Visit] = []

    def begin(self, seconds: float) -> None:
        """Draw all arrivals of so many seconds: a Poisson process whose rate follows the hours."""
        busiest = max(self._arrivals.per_hour) / HOUR
        at = 0.0
        while busiest > 0:
            at += self._random.expovariate(busiest)
            if at >= seconds:
                return
            moment = self._world.now().wall + timedelta(seconds=at)
            if self._random.random() < self._arrivals.per_hour[moment.hour] / HOUR / busiest:
                self._world.after(at, self._arrive)

    def _arrive(self) -> None:
        if not self._free or not self._resting:
            self.turned_away += 1
            return
        self.visits += 1
        point = self._free.pop(self._random.randrange(len(self._free)))
        tag = self._resting.pop(self._random.randrange(len(self._resting)))
        kind = self._random.choices(self._arrivals.car, [car.share for car in self._arrivals.car])[0]
        stay = self._random.uniform(*self._arrivals.stay_minutes) * 60.0
        visit = Visit(point, tag)
        self._here.append(visit)
        reach = self._random.uniform(*self._arrivals.card_seconds)
        if self._random.random() < self._arrivals.card_first_share:
            self._swipe(visit)
            self._world.after(reach, lambda: self._plug(visit, kind))
            self._world.after(reach + PATIENCE_SECONDS, lambda: self._insist(visit))
        else:
            self._plug(visit, kind)
            self._world.after(reach, lambda: self._swipe(visit))
            self._world.after(reach + PATIENCE_SECONDS, lambda: self._insist(visit))
        self._world.after(stay + reach, lambda: self._leave(visit))

    def _plug(self, visit: Visit, kind: Car) -> None:
        if visit not in self._here:
            return
        energy = self._random.uniform(*kind.energy_kwh) * 1000.0
        car = VehicleSpec(kind.phases, kind.max_amps * 1000, kind.min_amps * 1000, energy, Behaviour(kind.behaviour))
        self._hardware.site.plug(visit.charge_point, car, self._world.now().mono, kind.cable_amps * 1000)
        self._hardware.changed()

    def _swipe(self, visit: Visit) -> None:
        if visit not in self._here:
            return
        visit.tries += 1
        near = self._readers.get(visit.charge_point) or (self._arrivals.reader,)
        self._hardware.swipe(near[(visit.tries - 1) % len(near)], visit.tag)

    def _insist(self, visit: Visit) -> None:
        """Somebody else may have been faster at the reader: the card is held up again."""
        if self._charging(visit.charge_point) or visit.tries >= TRIES or visit not in self._here:
            return
        self._swipe(visit)
        self._world.after(PATIENCE_SECONDS, lambda: self._insist(visit))

    def everybody_leaves(self) -> None:
        """The park closes: whoever is still here goes now."""
        for visit in list(self._here):
            self._leave(visit)

    def _leave(self, visit: Visit) -> None:
        if visit not in self._here:
            return
        self._here.remove(visit)
        if self._hardware.site.evses[visit.charge_point].vehicle is not None:  # else not plugged in yet
            self._hardware.site.unplug(visit.charge_point, self._world.now().mono)
            self._hardware.changed()
        # The cable leaves a socket a moment later; nobody else parks here before that.
        self._world.after(60.0, lambda: self._vacate(visit))

    def _vacate(self, visit: Visit) -> None:
        self._free.append(visit.charge_point)
        self._resting.append(visit.tag)

"""A whole bench in one object: charge points with their cars, circuits with fuses and other load, meters, readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from park.errors import BenchRefused, BenchUnusable
from park.model.access import Feedback, ShowFeedback, TagRead
from park.model.electric import ZERO, PerPhase
from park.model.evse import EvseCommand
from park.model.metering import Sample
from park.physics.evse import Evse
from park.physics.fuse import Fuse
from park.physics.hardware import EvseSpec, Fault
from park.physics.meters import CircuitMeter, Mode, PointMeter
from park.physics.vehicle import NEVER, VehicleSpec

T = TypeVar("T")
Profile = Callable[[float], PerPhase]
"""Other load on L1, L2, L3 in mA at a mono time."""


class CircuitSpec(Struct, frozen=True):
    """A fused conductor; `parent` None: the grid connection."""

    name: str
    limit_ma: PerPhase
    parent: str | None = None


class MeterSpec(Struct, frozen=True):
    """A meter of a charge point, or of a circuit, or (neither) of a load of its own. `in_line`: sees the cars too."""

    name: str
    circuit: str | None = None
    charge_point: str | None = None
    in_line: bool = True


class SitePlan(Struct, frozen=True):
    """Everything to build. `circuit_of`: charge point → circuit it hangs on; points without one load no fuse here."""

    evses: tuple[EvseSpec, ...] = ()
    circuits: tuple[CircuitSpec, ...] = ()
    meters: tuple[MeterSpec, ...] = ()
    readers: tuple[str, ...] = ()
    circuit_of: Mapping[str, str] | None = None


class Circuit:
    """One conductor: the loads below it, and the fuse that carries them."""

    __slots__ = ("evses", "flow_ma", "fuse", "houses", "name", "own_meters")

    def __init__(self, spec: CircuitSpec) -> None:
        self.name = spec.name
        self.fuse = Fuse(spec.limit_ma)
        self.evses: list[Evse] = []  # all below, through child circuits too
        self.houses: list[CircuitMeter] = []  # meters whose other load flows here, through child circuits too
        self.own_meters: list[CircuitMeter] = []
        self.flow_ma: PerPhase = ZERO

    def sum_up(self) -> None:
        """Add up what flows now, and show it to the meters of this circuit."""
        a = b = c = 0
        for evse in self.evses:
            if evse.current_ma:
                flow = evse.flow_ma
                a, b, c = a + flow[0], b + flow[1], c + flow[2]
        for meter in self.houses:
            flow = meter.house_ma
            a, b, c = a + flow[0], b + flow[1], c + flow[2]
        self.flow_ma = (a, b, c)
        for meter in self.own_meters:
            meter.watch(self.flow_ma)


class Site:
    """The virtual world. Time is told by `advance`; every verb takes `mono` and never goes back behind it.

    Names that do not exist raise BenchUnusable naming those that do; the impossible raises BenchRefused.
    """

    def __init__(self, plan: SitePlan, mono: float = 0.0) -> None:
        self.mono = mono
        self.evses = {spec.name: Evse(spec, mono) for spec in plan.evses}
        self.circuits = {spec.name: Circuit(spec) for spec in plan.circuits}
        self.meters: dict[str, CircuitMeter | PointMeter] = {}
        self.readers: dict[str, Feedback | None] = dict.fromkeys(plan.readers)
        self._profiles: dict[CircuitMeter, Profile] = {}
        self._metered: list[CircuitMeter] = []
        self._all = list(self.evses.values())
        self._parents = {spec.name: spec.parent for spec in plan.circuits}
        for meter in plan.meters:
            self._build_meter(meter)
        for point, circuit in (plan.circuit_of or {}).items():
            for above in self._upwards(circuit):
                above.evses.append(self.evse(point))
        self._loaded = list(self.circuits.values())
        self._charging: list[Evse] = []
        self._due = NEVER
        self._sum_up()

    def _build_meter(self, spec: MeterSpec) -> None:
        if spec.charge_point is not None:
            self.meters[spec.name] = PointMeter(spec.name, self.evse(spec.charge_point))
            return
        meter = CircuitMeter(spec.name, in_line=spec.in_line and spec.circuit is not None)
        self.meters[spec.name] = meter
        self._metered.append(meter)
        for place, circuit in enumerate(self._upwards(spec.circuit)):
            circuit.houses.append(meter)
            if place == 0:
                circuit.own_meters.append(meter)

    def _upwards(self, name: str | None) -> Iterable[Circuit]:
        """Walk from a circuit to the grid connection; a cycle ends where it closes."""
        seen: set[str] = set()
        while name is not None and name not in seen:
            seen.add(name)
            yield _known(self.circuits, name, "circuit")
            name = self._parents[name]

    # ------------------------------------------------------------ time

    def next_event(self) -> float:
        """Mono of the next thing that happens by itself; infinite if none. Load profiles are not events."""
        return self._due

    def advance(self, mono: float) -> None:
        """Let time pass until `mono`: exact for everything but profiles, which are sampled once a call."""
        if mono <= self.mono:
            return
        while self._due <= mono:
            until = max(self._due, self.mono)
            self._carry(until)
            for evse in self._all:
                evse.advance(until)
            self._sum_up()
        self._carry(mono)
        for evse in self._charging:  # the others have nothing to count
            evse.advance(mono)
        if self._profiles:
            for meter, profile in self._profiles.items():
                meter.house_ma = profile(mono)
            self._sum_up()

    def _carry(self, until: float) -> None:
        """Fuses heat and registers count, with the flows as they stand."""
        seconds = until - self.mono
        self.mono = until
        if seconds <= 0:
            return
        for circuit in self._loaded:
            circuit.fuse.carry(circuit.flow_ma, seconds, until)
        for meter in self._metered:
            meter.count(seconds)

    def _sum_up(self) -> None:
        for meter in self._metered:
            meter.watch(meter.house_ma)
        for circuit in self._loaded:
            circuit.sum_up()
        self._charging = [evse for evse in self._all if evse.current_ma]
        self._due = self._soonest()

    def _soonest(self) -> float:
        return min((evse.due for evse in self._all), default=NEVER)

    # ------------------------------------------------------------ the controller's side

    def apply(self, command: EvseCommand, mono: float, charge_point: str | None = None) -> None:
        """Obey a controller; `charge_point`: its name here, where the controller calls it otherwise."""
        evse = self.evse(charge_point or command.charge_point)
        self.advance(mono)
        evse.apply(command, mono)  # no command changes a current at once: contactor and car take their time
        self._due = self._soonest()

    def show(self, command: ShowFeedback) -> None:
        """Let a reader show something to the person."""
        self.reader(command.reader)
        self.readers[command.reader] = command.feedback

    def sample(self, meter: str, mono: float) -> Sample | None:
        """Poll a meter; None: it is silent."""
        found = self.meter(meter)
        if isinstance(found, PointMeter) and mono < self._due:
            found.evse.advance(mono)  # the rest of the world does not matter to it
        else:
            self.advance(mono)
        return found.sample()

    # ------------------------------------------------------------ people

    def plug(self, charge_point: str, car: VehicleSpec, mono: float, cable_ma: int | None = None) -> None:
        """Connect a car to a free charge point."""
        self._at(mono, lambda: self.evse(charge_point).plug(car, mono, cable_ma))

    def unplug(self, charge_point: str, mono: float) -> None:
        """Disconnect the car; its cable leaves a socket as soon as the lock lets it."""
        self._at(mono, lambda: self.evse(charge_point).unplug(mono))

    def swipe(self, reader: str, id_tag: str) -> TagRead:
        """Hold a card to a reader: returns what the reader tells."""
        self.reader(reader)
        return TagRead(reader, id_tag)

    def load(self, meter: str, house_ma: PerPhase, mono: float) -> None:
        """Set the other load at a circuit's meter (negative: generation); ends a profile."""
        self._profiles.pop(self._house(meter), None)
        self._at(mono, lambda: setattr(self._house(meter), "house_ma", house_ma))

    def follow(self, meter: str, profile: Profile, mono: float) -> None:
        """Let the other load at a circuit's meter follow a function of time, from now on."""
        self._profiles[self._house(meter)] = profile
        self._at(mono, lambda: setattr(self._house(meter), "house_ma", profile(mono)))

    def switch(self, meter: str, mode: Mode, mono: float) -> None:
        """Silence, freeze or restore a meter."""
        self._at(mono, lambda: self.meter(meter).switch(mode))

    def break_down(self, charge_point: str, fault: Fault, on: bool, mono: float) -> None:  # noqa: FBT001
        """Inject or heal a fault."""
        self._at(mono, lambda: self.evse(charge_point).break_down(fault, on, mono))

    def heat(self, charge_point: str, celsius: float, mono: float) -> None:
        """Set a measured temperature."""
        self._at(mono, lambda: self.evse(charge_point).heat(celsius, mono))

    def leak(self, charge_point: str, microamperes: int, mono: float) -> None:
        """Set a measured residual current."""
        self._at(mono, lambda: self.evse(charge_point).leak(microamperes, mono))

    # ------------------------------------------------------------ names

    def meter(self, name: str) -> CircuitMeter | PointMeter:
        """Find a meter by name."""
        return _known(self.meters, name, "meter")

    def _house(self, meter: str) -> CircuitMeter:
        found = self.meter(meter)
        if isinstance(found, PointMeter):
            raise BenchRefused(f"{meter} is the meter of {found.evse.spec.name}: its car sets the amps")
        return found

    def evse(self, name: str) -> Evse:
        """Find a charge point by name."""
        return _known(self.evses, name, "charge point")

    def reader(self, name: str) -> None:
        """Make sure that a reader exists."""
        _known(self.readers, name, "reader")

    def _at(self, mono: float, verb: Callable[[], object]) -> None:
        self.advance(mono)
        try:
            verb()
        finally:
            self._sum_up()


def _known(things: Mapping[str, T], name: str, kind: str) -> T:
    try:
        return things[name]
    except KeyError:
        known = ", ".join(sorted(things)) or "none"
        raise BenchUnusable(f"there is no {kind} {name!r} on this bench; it has: {known}") from None

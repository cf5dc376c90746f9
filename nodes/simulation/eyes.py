"""The checkers of a simulated park: they see what passes between the actors and what physics does, and keep the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from actors.address import Address
from actors.messages import ChargePointMessage, CoordinatorMessage, JournalMessage
from nodes.simulation.overdraw import OverdrawWatch
from nodes.simulation.world import SimulatedWorld
from park.load.circuit import Circuit, Placement
from park.load.invariants import Cause, OverloadWatch, PromiseWatch, SignalWatch, Violation
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import ZERO, PerPhase, add, lowest, subtract
from park.model.evse import PilotOutput
from park.model.grant import ApplyGrant
from park.model.metering import Quality, ReadingTaken
from park.model.session import RecordFact, SessionFact, key_of
from park.physics.site import Site

M = TypeVar("M")
LOOK_SECONDS = 0.999  # all pilots are compared with their grants this often, changed ones at once


class Eye(Generic[M]):
    """An address that looks at what it passes on."""

    def __init__(self, address: Address[M], look: Callable[[M], None]) -> None:
        self._address, self._look = address, look

    def tell(self, message: M, /) -> None:
        self._look(message)
        self._address.tell(message)


class EventLog:
    """The hash of everything that happened, in order: equal for equal seeds, whatever the process."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._hash = hashlib.sha256()
        self.lines = 0

    def write(self, what: object) -> None:
        self.lines += 1
        self._hash.update(f"{self._world.now().mono:.6f} {what!r}\n".encode())

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class Checkers:
    """S1-S5 on the circuits and charge points of one board. `violations`: all that were found, in order.

    A message passes an eye when it is told, and is handled later in the same instant. So what it changes about the
    promises may already hold in that instant, or not yet: the checkers allow both, and only the new one afterwards.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        site: Site,
        full_names: Mapping[str, str],
    ) -> None:
        self.violations: list[Violation] = []
        self.facts: dict[tuple[str, int], SessionFact] = {}
        self.log = EventLog(world)
        self.readings: int = 0
        self._world, self._circuits, self._site = world, circuits, site
        self._promises = PromiseWatch(circuits, placements)
        self._overloads = {circuit.name: OverloadWatch(circuit) for circuit in circuits}
        self._signals = {placement.charge_point: SignalWatch(placement) for placement in placements}
        self._pilots = [(site.evses[short], self._signals[full]) for short, full in full_names.items()]
        self._overdraw = OverdrawWatch(site)
        self._circuit_of_meter = {circuit.meter: circuit for circuit in circuits if circuit.meter}
        self._meters_lost = {circuit.name for circuit in circuits if circuit.meter}
        self._defied: set[str] = set()
        self._external = {circuit.name: circuit.external_fallback_ma for circuit in circuits}
        self._at_sample = dict(self._external)
        self._used = {placement.charge_point: placement.phases for placement in placements}
        self._later: list[Callable[[], None]] = []
        self._later_at = 0.0
        self._told = [0] * len(self._pilots)
        self._all_looked_at = 0.0
        self._seen: dict[str, PerPhase] = {}

    # ------------------------------------------------------------ what passes

    def on_charge_point(self, name: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]:
        """Watch the grants that are sent to a charge point (S1), and remember them for its pilot (S2)."""
        signals = self._signals[name]

        def look(message: ChargePointMessage) -> None:
            if type(message) is ApplyGrant:
                grant, now = message.grant, self._moment()
                self.log.write((name, grant.amps_ma, grant.sequence, grant.lapse_ma))
                self.violations += self._promises.sent(now, grant)
                signals.granted(now, grant, grant.stamp.mono + grant.valid_for)

        return Eye(address, look)

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]:
        """Watch what the coordinator may know."""

        def look(message: CoordinatorMessage) -> None:
            match message:
                case ReadingTaken():
                    self.readings += 1
                    circuit = self._circuit_of_meter.get(message.meter)
                    if circuit is not None:
                        self._read(circuit, message.quality)
                case CurrentSignalled():
                    self._signalled(message)
                case BoardHeartbeat(stamp):
                    self._promises.stamped(stamp, self._moment())
                case DemandChanged():
                    self._wished(message)
                case _:
                    pass

        return Eye(address, look)

    def sampled(self, meter: str) -> None:
        """A meter is read in this moment: what it says of the house is what flows now, not what follows."""
        circuit = self._circuit_of_meter.get(meter)
        if circuit is not None:
            own, total = self._flow(circuit.name)
            a, b, c = subtract(total, own)
            self._at_sample[circuit.name] = (max(a, 0), max(b, 0), max(c, 0))

    def on_journal(self, address: Address[JournalMessage], /) -> Address[JournalMessage]:
        """Remember every fact that is stated: the backend must have them all in the end (D1)."""

        def look(message: JournalMessage) -> None:
            if isinstance(message, RecordFact):
                key = key_of(message.fact)
                if (key.session, key.ordinal) not in self.facts:
                    self.facts[(key.session, key.ordinal)] = message.fact
                    self.log.write(message.fact)

        return Eye(address, look)

    def _signalled(self, message: CurrentSignalled) -> None:
        self.log.write(message)
        fence = (message.epoch, message.sequence)
        if message.phases:
            self._promises.poles(message.charge_point, message.phases)
        self._promises.signalled(
            self._moment(), message.charge_point, message.amps_ma, message.lapse_ma, fence, open_=message.contactor_open
        )

    def _wished(self, message: DemandChanged) -> None:
        now, point, phases = self._moment(), message.charge_point, message.phases_used
        self.log.write(message)
        if phases <= self._used[point]:
            self._promises.loads(point, phases)
        else:
            self._afterwards(now, lambda: self._promises.loads(point, phases))
        self._used[point] = phases

    def _read(self, circuit: Circuit, quality: Quality) -> None:
        now, name = self._moment(), circuit.name
        if quality is Quality.FRESH:
            external = self._at_sample[name]
            if name in self._meters_lost:
                self._meters_lost.discard(name)
                self._overloads[name].ended(Cause.METER_LOST, now)
        else:
            external = circuit.external_fallback_ma
            if name not in self._meters_lost:
                self._meters_lost.add(name)
                self._overloads[name].began(Cause.METER_LOST)
        self._promises.metered(name, lowest(self._external[name], external))
        self._external[name] = external
        self._afterwards(now, lambda: self._promises.metered(name, external))

    def _afterwards(self, now: float, change: Callable[[], None]) -> None:
        self._later.append(change)
        self._later_at = now

    def _moment(self) -> float:
        """Now; what was told at an earlier instant holds by now."""
        now = self._world.now().mono
        if self._later and now > self._later_at:
            for change in self._later:
                change()
            self._later.clear()
        return now

    # ------------------------------------------------------------ what is

    def _flow(self, circuit: str) -> tuple[PerPhase, PerPhase]:
        """(own, total) currents of the circuit."""
        physical = self._site.circuits[circuit]
        own = ZERO
        for evse in physical.evses:
            if evse.current_ma:
                own = add(own, evse.flow_ma)
        return own, physical.flow_ma

    def own_flow(self, circuit: str) -> PerPhase:
        """What the charge points draw on it now."""
        return self._flow(circuit)[0]

    def look(self, now: float) -> None:
        """Compare physics with the promises; called after every change of the site, and once a second."""
        every = now - self._all_looked_at >= LOOK_SECONDS
        if every:
            self._all_looked_at = now
        self._look_at_pilots(now, every=every)
        for circuit in self._circuits:
            flow = self._site.circuits[circuit.name].flow_ma
            if every or flow is not self._seen.get(circuit.name):  # added up anew: something changed
                self._seen[circuit.name] = flow
                self._look_at_circuit(circuit, now)

    def _look_at_circuit(self, circuit: Circuit, now: float) -> None:
        own, total = self._flow(circuit.name)
        external = subtract(total, own)
        overdrawn = self._overdraw.on(circuit.name, now)
        overload = self._overloads[circuit.name]
        known = external
        if circuit.name in self._meters_lost:
            known = lowest(circuit.external_fallback_ma, external)
        if overdrawn is not ZERO:  # nobody was offered it: it comes from outside, like foreign load
            own, known = subtract(own, overdrawn), add(known, overdrawn)
        if self._overdraw.defiant is not (circuit.name in self._defied):
            self._defy(circuit.name, now)
        self.violations += overload.observe(now, circuit.limit_ma, own, known)

    def _defy(self, circuit: str, now: float) -> None:
        """A car on the circuit began to draw far too much, or has ended."""
        if circuit in self._defied:
            self._defied.discard(circuit)
            self._overloads[circuit].ended(Cause.VEHICLE, now)
        else:
            self._defied.add(circuit)
            self._overloads[circuit].began(Cause.VEHICLE)

    def _look_at_pilots(self, now: float, *, every: bool) -> None:
        told = self._told
        for place, (evse, signals) in enumerate(self._pilots):
            signalled = evse.amps_ma if evse.output is PilotOutput.PWM else 0
            if signalled != told[place]:
                told[place] = signalled
                self._overdraw.offered(evse, signalled, now)
            elif not (every and signalled):
                continue
            self.violations += signals.signalled(now, signalled)

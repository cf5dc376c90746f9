"""The checkers of a simulated park: they see what passes between the actors and what physics does, and keep the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from actors.address import Address
from actors.messages import ChargePointMessage, CoordinatorMessage, JournalMessage
from nodes.simulation.world import SimulatedWorld
from park.load.circuit import Circuit, Placement
from park.load.invariants import Cause, OverloadWatch, PromiseWatch, SignalWatch, Violation
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import PerPhase, ZERO, add, subtract
from park.model.evse import PilotOutput
from park.model.grant import ApplyGrant
from park.model.metering import Quality, ReadingTaken
from park.model.session import RecordFact, SessionFact, key_of
from park.physics.site import Site

M = TypeVar("M")


class _Eye(Generic[M]):
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
    """S1–S5 on the circuits and charge points of one board. `violations`: all that were found, in order."""

    def __init__(
        self,
        world: SimulatedWorld,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        full_names: Mapping[str, str],
    ) -> None:
        self.violations: list[Violation] = []
        self.facts: dict[tuple[str, int], SessionFact] = {}
        self.log = EventLog(world)
        self.readings = 0
        self._world = world
        self._circuits = circuits
        self._promises = PromiseWatch(circuits, placements)
        self._overloads = {circuit.name: OverloadWatch(circuit) for circuit in circuits}
        self._signals = {placement.charge_point: SignalWatch(placement) for placement in placements}
        self._circuit_of_meter = {circuit.meter: circuit for circuit in circuits if circuit.meter}
        self._meters_lost: set[str] = set()
        self._full_names = full_names
        self._told: dict[str, int] = {}
        self._flows: dict[str, tuple[PerPhase, PerPhase]] = {}
        self._site: Site | None = None

    def watch(self, site: Site) -> None:
        """Name the physics that is looked at."""
        self._site = site

    # ------------------------------------------------------------ what passes

    def on_charge_point(self, name: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]:
        def look(message: ChargePointMessage) -> None:
            if isinstance(message, ApplyGrant):
                grant, now = message.grant, self._world.now().mono
                self.log.write((name, grant.amps_ma, grant.sequence, grant.lapse_ma))
                self.violations += self._promises.sent(now, grant)
                self._signals[name].granted(now, grant, grant.stamp.mono + grant.valid_for)

        return _Eye(address, look)

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]:
        def look(message: CoordinatorMessage) -> None:
            now = self._world.now().mono
            match message:
                case ReadingTaken():
                    self._read(message, now)
                case BoardHeartbeat(stamp):
                    self._promises.stamped(stamp, now)
                case CurrentSignalled():
                    self.log.write(message)
                    fence = (message.epoch, message.sequence)
                    self._promises.signalled(
                        now,
                        message.charge_point,
                        message.amps_ma,
                        message.lapse_ma,
                        fence,
                        open_=message.contactor_open,
                    )
                case DemandChanged():
                    self.log.write(message)
                    self._promises.loads(message.charge_point, message.phases_used)
                case _:
                    pass

        return _Eye(address, look)

    def on_journal(self, address: Address[JournalMessage], /) -> Address[JournalMessage]:
        def look(message: JournalMessage) -> None:
            if isinstance(message, RecordFact):
                key = key_of(message.fact)
                if (key.session, key.ordinal) not in self.facts:
                    self.facts[(key.session, key.ordinal)] = message.fact
                    self.log.write(message.fact)

        return _Eye(address, look)

    def _read(self, reading: ReadingTaken, now: float) -> None:
        self.readings += 1
        circuit = self._circuit_of_meter.get(reading.meter)
        if circuit is None:
            return
        if reading.quality is Quality.FRESH:
            if circuit.name in self._meters_lost:
                self._meters_lost.discard(circuit.name)
                self._overloads[circuit.name].ended(Cause.METER_LOST, now)
            self._promises.metered(circuit.name, self._external(circuit))
        else:
            if circuit.name not in self._meters_lost:
                self._meters_lost.add(circuit.name)
                self._overloads[circuit.name].began(Cause.METER_LOST)
            self._promises.metered(circuit.name, circuit.external_fallback_ma)

    # ------------------------------------------------------------ what is

    def _external(self, circuit: Circuit) -> PerPhase:
        """True foreign load of the circuit now, never below 0."""
        own, total = self._flow(circuit.name)
        a, b, c = subtract(total, own)
        return (max(a, 0), max(b, 0), max(c, 0))

    def _flow(self, circuit: str) -> tuple[PerPhase, PerPhase]:
        """(own, total) currents of the circuit."""
        if self._site is None:
            return ZERO, ZERO
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
        """Compare physics with the promises; called after every change of the site."""
        if self._site is None:
            return
        for circuit in self._circuits:
            flow = self._flow(circuit.name)
            self._flows[circuit.name] = flow
            own, total = flow
            external = subtract(total, own)
            known = circuit.external_fallback_ma if circuit.name in self._meters_lost else external
            self.violations += self._overloads[circuit.name].observe(
                now, circuit.limit_ma, own, (min(known[0], external[0]), min(known[1], external[1]), min(known[2], external[2]))
            )
        for name, evse in self._site.evses.items():
            signalled = evse.amps_ma if evse.output is PilotOutput.PWM else 0
            if signalled or self._told.get(name):
                self._told[name] = signalled
                self.violations += self._signals[self._full_names[name]].signalled(now, signalled)

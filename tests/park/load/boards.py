"""An independent model of boards, pilots, vehicles, meters and lossy links, to hold the coordinator against physics."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace

from park.load import coordinator
from park.load.circuit import Circuit, Placement
from park.load.invariants import OverloadWatch, PromiseWatch, SignalWatch, Violation
from park.load.report import CircuitReported
from park.load.state import CoordinatorSettings
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import ZERO, PerPhase, add, lowest, on_phases
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.limit import Limit, LimitKind, SetLimit
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now

WALL = datetime(2026, 1, 1, tzinfo=UTC)
RESOLUTION_MA = 10
OPENS_SECONDS = 3.0  # IEC 61851-1 A.3: by then a vehicle that is offered nothing has let go
PAUSE_SECONDS = 20.0  # of a switch of phases (B-288)
SETTLED_SECONDS = 1.3  # by then every charge point's own meter was read after the circuit's: the house load is known


@dataclass
class Vehicle:
    """`reaction`: seconds until it follows the pilot. `overdraw`: factor on the signal."""

    phases: int = 3
    maximum_ma: int = 32_000
    minimum_ma: int = 6_000
    reaction: float = 1.0
    overdraw: float = 1.0
    appetite_ma: int | None = None  # draws no more than this whatever is offered
    obeys: bool = True


@dataclass
class Device:
    """One EVSE on a board: obeys the newest valid grant, falls to its lapse current by itself (the deadman)."""

    placement: Placement
    vehicle: Vehicle | None = None
    lapse_ma: int = 0
    grant: Grant | None = None
    valid_until: float = 0.0
    signalled_ma: int = 0
    drawn_ma: int = 0
    fence: tuple[int, int] = (0, 0)
    energy_mas: float = 0.0
    poles: int = 0  # phases by its poles; 0: one contactor for all
    wanted: int = 0  # … by the grant it took last
    pausing: bool = False
    quiet_since: float = 0.0
    live_phases: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Its contactor, as far as that is modelled: with two poles in a pause, and without a vehicle."""
        return self.vehicle is None or (self.poles > 0 and not self.drawn_ma and not self.signalled_ma)

    def grid_phases(self) -> tuple[int, ...]:
        phases = self.vehicle.phases if self.vehicle else self.placement.phases
        return self.placement.grid_phases(min(phases, self.poles or phases))


@dataclass
class Link:
    """Between coordinator and boards: seconds of delay, and the share of messages that get lost each way."""

    delay: float = 0.02
    lost_down: float = 0.0
    lost_up: float = 0.0
    cut: bool = False
    heard: float = 0.0  # when the newest message up arrives: they do not overtake each other


class Boards:
    """The world. Time is `now`; everything else hangs on one event queue, so a seed decides all."""

    def __init__(
        self,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        *,
        seed: int = 0,
        house: Callable[[float], PerPhase] = lambda _: ZERO,
        noise_ma: int = 0,
        meter_delay: float = 0.05,
        switchable: Sequence[str] = (),
        clock_rate: float = 1.0,
        **settings: object,
    ) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.circuits = tuple(circuits)
        self.settings = CoordinatorSettings(tuple(circuits), tuple(placements), server_id="s", **settings)  # type: ignore[arg-type]
        self.devices = {p.charge_point: Device(p, lapse_ma=p.boot_ma, signalled_ma=0) for p in placements}
        for name in switchable:
            self.devices[name].poles = self.devices[name].wanted = 1
        self.links = {p.node: Link() for p in placements}
        self.house = house
        self.noise = noise_ma
        self.meter_delay = meter_delay
        self.clock_rate = clock_rate
        self.dead_meters: set[str] = set()
        self.wall = WALL
        self.down = False
        self.operator: dict[str, PerPhase] = {}
        self.violations: list[Violation] = []
        self.grants: list[tuple[float, Grant]] = []
        self.reports: dict[str, CircuitReported] = {}
        self.boot = dict.fromkeys(self.links, 1)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.overload = {
            c.name: OverloadWatch(c, tolerance_ma=RESOLUTION_MA + noise_ma * (len(placements) + 1)) for c in circuits
        }
        self.signal = {p.charge_point: SignalWatch(p) for p in placements}
        self.promise = self.promises(noise_ma * (len(placements) + 1))
        self.known = {c.name: c.external_fallback_ma for c in circuits}
        self.polled = dict(self.known)
        for name in switchable:
            self.promise.poles(name, 1)
            self.at(0.02, lambda name=name: self.wish(name))
        self.start_coordinator()
        for number, node in enumerate(self.links):
            self.at(0.11 + 0.07 * number, lambda node=node: self._heartbeat(node))
        for number, name in enumerate(self._meters()):
            self.at(0.05 + (0.37 * number) % 1.0, lambda name=name: self._poll(name))
        for name in self.devices:
            self.at(0.01, lambda name=name: self.report(name))
        self.at(0.25, self._look)

    # ------------------------------------------------------------ the event queue

    def at(self, when: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, act))

    def run(self, seconds: float) -> Boards:
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            when, _, act = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            act()
        self.now = end
        return self

    # ------------------------------------------------------------ the coordinator

    def start_coordinator(self, epoch: int = 1) -> None:
        self.down = False
        self.settings = replace(self.settings, epoch=epoch)
        self.state = self.begun()
        self.incarnation = getattr(self, "incarnation", 0) + 1
        self._ticks: list[float] = []  # under way
        self.tell(Start())
        for name, limit in self.operator.items():
            self.tell(operator_limit(name, limit))

    def promises(self, tolerance_ma: int) -> PromiseWatch:
        return PromiseWatch(self.circuits, self.settings.placements, tolerance_ma)

    def begun(self) -> coordinator.CoordinatorState:
        return coordinator.initial(self.settings, self.clock())

    def clock(self) -> Now:
        return Now(self.now, self.wall)

    def tell(self, event: coordinator.CoordinatorEvent) -> None:
        if self.down:
            return
        for effect in self.step(event):
            self.perform(effect)

    def step(self, event: coordinator.CoordinatorEvent) -> Sequence[object]:
        self.state, effects = coordinator.step(self.state, event, self.clock())
        return effects

    def perform(self, effect: object) -> None:
        match effect:
            case ApplyGrant(grant):
                self.grants.append((self.now, grant))
                self.violations += self.promised(grant)
                self._down(grant)
            case WakeAt(mono):
                self._wake_at(max(self.true_time(mono), self.now))
            case coordinator.Recompute():
                self.tell(effect)
            case CircuitReported():
                self.reports[effect.circuit] = effect
            case _:
                pass

    def promised(self, grant: Grant) -> Sequence[Violation]:
        """Into the books of the checkers."""
        return self.promise.sent(self.now, grant)

    def _wake_at(self, when: float) -> None:
        """As actors are woken: not for what is later than a tick that is already under way."""
        if min(self._ticks, default=math.inf) <= when:
            return
        life = self.incarnation
        self._ticks.append(when)

        def wake() -> None:
            if life == self.incarnation:
                self._ticks.remove(when)
                self.tell(Tick())

        self.at(when, wake)

    def true_time(self, mono: float) -> float:
        """When the coordinator's clock shows that."""
        return mono

    def _down(self, grant: Grant) -> None:
        link = self.links[self.devices[grant.charge_point].placement.node]
        if not link.cut and self.random.random() >= link.lost_down:
            self.at(self.now + link.delay * self.random.uniform(0.5, 1.5), lambda: self._receive(grant))

    def _up(self, node: str, event: coordinator.CoordinatorEvent) -> None:
        link = self.links[node]
        lossy = not isinstance(event, DemandChanged)  # a confirmation or a heartbeat lost heals by the next one
        if not link.cut and not (lossy and self.random.random() < link.lost_up):
            link.heard = max(link.heard, self.now + link.delay * self.random.uniform(0.5, 1.5))
            self.at(link.heard, lambda: self.tell(event))

    # ------------------------------------------------------------ the boards

    def board_clock(self, node: str) -> float:
        return 1000.0 * self.boot[node] + self.now * self.clock_rate

    def _heartbeat(self, node: str) -> None:
        stamp = Stamp(node, f"boot{self.boot[node]}", self.board_clock(node))
        self.promise.stamped(stamp, self.now)
        self._up(node, BoardHeartbeat(stamp, tuple(n for n, d in self.devices.items() if d.placement.node == node)))
        self.at(self.now + 1.0, lambda: self._heartbeat(node))

    def _receive(self, grant: Grant) -> None:
        device = self.devices[grant.charge_point]
        node = device.placement.node
        left = (grant.stamp.mono + grant.valid_for - self.board_clock(node)) / self.clock_rate
        if (
            grant.stamp.boot_id != f"boot{self.boot[node]}"
            or left <= 0
            or (grant.epoch, grant.sequence) <= device.fence
        ):
            return
        device.grant, device.valid_until = grant, self.now + left
        device.fence = (grant.epoch, grant.sequence)
        device.lapse_ma = min(grant.lapse_ma, device.placement.fallback_ma)
        if device.poles:
            self._switch(grant.charge_point, len(grant.phases))
        self.signal[grant.charge_point].granted(self.now, grant, device.valid_until)
        self._signal(grant.charge_point)
        self.at(device.valid_until + 1e-3, lambda: self._lapse(grant))

    def _switch(self, name: str, phases: int) -> None:
        """Two poles: all off, a pause, and the new number; nothing to wait for where all was off for long enough."""
        device = self.devices[name]
        device.wanted = phases
        self.promise.poles(name, self._promised_phases(device))
        if phases == device.poles or device.pausing:
            return
        device.pausing = True
        quiet = self.now + OPENS_SECONDS if device.drawn_ma or device.signalled_ma else device.quiet_since
        self.at(max(self.now, quiet + PAUSE_SECONDS), lambda: self._switched(name))
        if phases == 1:
            self.at(max(self.now, quiet), lambda: self._opened(name))

    def _opened(self, name: str) -> None:
        """The vehicle has let go, or was cut off: the secondary pole opens without a load."""
        device = self.devices[name]
        if device.wanted == 1 and device.pausing:
            device.drawn_ma, device.poles = 0, 1
            self.promise.poles(name, self._promised_phases(device))
            self._confirm(name)

    def _switched(self, name: str) -> None:
        device = self.devices[name]
        device.pausing, device.poles = False, device.wanted
        assert not device.drawn_ma, "poles move without a load"
        self.promise.poles(name, self._promised_phases(device))
        self._signal(name)

    @staticmethod
    def _promised_phases(device: Device) -> int:
        return max(device.poles, device.wanted)

    def _lapse(self, grant: Grant) -> None:
        if self.devices[grant.charge_point].grant is grant:
            self._signal(grant.charge_point)

    def _signal(self, name: str) -> None:
        """The pilot follows the grant in force at once; the vehicle follows the pilot after its reaction time."""
        device = self.devices[name]
        vehicle, grant = device.vehicle, device.grant
        allowed = device.lapse_ma
        if grant is not None and self.now < device.valid_until:
            covered = set(device.grid_phases()) <= set(grant.phases)
            allowed = grant.amps_ma if covered else min(grant.amps_ma, device.lapse_ma)
        amps = min(allowed, device.placement.maximum_ma) if vehicle and not device.pausing else 0
        if not amps and device.signalled_ma:
            device.quiet_since = self.now
        if amps != device.signalled_ma:
            device.live_phases.append((self.now, len(device.grid_phases()) if amps else 0))
            device.changes.append((self.now, amps))
        device.signalled_ma = amps
        self._tell_promise(name)
        self.violations += self.signal[name].signalled(self.now, amps)
        if vehicle is not None and vehicle.obeys:
            self.at(self.now + vehicle.reaction, lambda: self._follow(name, vehicle, amps))
        self.report(name)

    def _tell_promise(self, name: str) -> None:
        device = self.devices[name]
        signalled, lapse = device.signalled_ma, device.lapse_ma
        self.promise.signalled(self.now, name, signalled, lapse, device.fence, open_=device.is_open)

    def _confirm(self, name: str) -> None:
        self._tell_promise(name)
        self.report(name)

    def _follow(self, name: str, vehicle: Vehicle, amps: int) -> None:
        device = self.devices[name]
        if device.vehicle is not vehicle or not vehicle.obeys:
            return
        wish = vehicle.maximum_ma if vehicle.appetite_ma is None else vehicle.appetite_ma
        if device.poles and not device.signalled_ma:
            amps = 0  # its contactor is open
        was = device.drawn_ma
        device.drawn_ma = min(wish, int(amps * vehicle.overdraw)) if amps >= vehicle.minimum_ma else 0
        if device.poles and was and not device.drawn_ma:
            self._confirm(name)  # its contactor is open
        self._check()

    def report(self, name: str) -> None:
        device = self.devices[name]
        report = CurrentSignalled(
            charge_point=name,
            amps_ma=device.signalled_ma,
            lapse_ma=device.lapse_ma,
            epoch=device.fence[0],
            sequence=device.fence[1],
            contactor_open=device.is_open,
            mono=self.board_clock(device.placement.node),
            phases=self._promised_phases(device),
        )
        self._up(device.placement.node, report)

    # ------------------------------------------------------------ vehicles and faults

    def arrive(self, name: str, vehicle: Vehicle | None = None) -> None:
        device = self.devices[name]
        vehicle = device.vehicle = vehicle or Vehicle()
        self.promise.loads(name, vehicle.phases)
        self._signal(name)
        self.wish(name)

    def leave(self, name: str) -> None:
        device = self.devices[name]
        device.vehicle, device.drawn_ma = None, 0
        self._signal(name)
        self.wish(name)

    def wish(self, name: str) -> None:
        """The demand as it is now: a state, so it is repeated when a link comes back."""
        device = self.devices[name]
        node, vehicle = device.placement.node, device.vehicle
        if vehicle is None:
            self._up(node, DemandChanged(name, False, device.placement.phases, 6_000, 0, False, self.now))
        else:
            self._up(node, DemandChanged(name, True, vehicle.phases, 6_000, vehicle.maximum_ma, True, self.now))

    def reboot(self, node: str) -> None:
        """Power cut of a board: pilot off, no grant, a new boot id."""
        self.boot[node] += 1
        for name, device in self.devices.items():
            if device.placement.node == node:
                device.grant, device.fence, device.lapse_ma, device.drawn_ma = None, (0, 0), device.placement.boot_ma, 0
                if device.poles:
                    device.poles = device.wanted = 1
                    self.promise.poles(name, 1)
                self.signal[name] = SignalWatch(device.placement)
                self.promise.booted(name)
                self._signal(name)

    def limit(self, circuit: str, limit_ma: PerPhase) -> None:
        self.operator[circuit] = limit_ma
        self.promise.limited(circuit, self.limit_of(circuit))
        self.tell(operator_limit(circuit, limit_ma))

    def limit_of(self, name: str) -> PerPhase:
        fuse = next(c.limit_ma for c in self.circuits if c.name == name)
        return tuple(map(min, fuse, self.operator.get(name, fuse)))  # type: ignore[return-value]

    # ------------------------------------------------------------ physics and meters

    def below(self, circuit: str) -> list[Device]:
        paths = self.promise._network.paths
        return [d for d in self.devices.values() if circuit in paths[d.placement.circuit]]

    def own_ma(self, circuit: str) -> PerPhase:
        total = ZERO
        for device in self.below(circuit):
            total = add(total, on_phases(device.drawn_ma, device.grid_phases()))
        return total

    def foreign_ma(self, circuit: str) -> PerPhase:  # noqa: ARG002 - the same everywhere, but not in every world
        """What flows there besides our own."""
        return self.house(self.now)

    def flows_ma(self, circuit: str) -> tuple[PerPhase, PerPhase]:
        """What charge points draw there, and what flows besides."""
        return self.own_ma(circuit), self.foreign_ma(circuit)

    def _meters(self) -> list[str]:
        return [c.meter for c in self.circuits if c.meter] + [
            d.placement.meter for d in self.devices.values() if d.placement.meter
        ]

    def _poll(self, meter: str) -> None:
        self.at(self.now + 1.0 + self.random.uniform(-0.03, 0.03), lambda: self._poll(meter))
        if meter in self.dead_meters:
            return
        circuit = next((c for c in self.circuits if c.meter == meter), None)
        if circuit is not None:
            external = self.foreign_ma(circuit.name)
            true = add(self.own_ma(circuit.name), external) if circuit.meter_sees_charging else external
            self.polled[circuit.name] = external
            self._told(circuit.name, meter, self.meter_delay, lowest(external, self.known[circuit.name]))
            self._told(circuit.name, meter, self.meter_delay + SETTLED_SECONDS, external)
        else:
            device = next(d for d in self.devices.values() if d.placement.meter == meter)
            if self.links[device.placement.node].cut:
                return
            true = on_phases(device.drawn_ma, device.grid_phases())
        noisy = tuple(max(min(0, value), value + self.random.randint(-self.noise, self.noise)) for value in true)
        taken = self.clock().mono
        reading = ReadingTaken(meter, Quality.FRESH, Sample(noisy, 0, 0), None, taken, WALL, RESOLUTION_MA)  # type: ignore[arg-type]
        self.at(self.now + self.meter_delay, lambda: self.tell(reading))

    def _told(self, circuit: str, meter: str, delay: float, external: PerPhase) -> None:
        """From then on the coordinator can know this load: a fall at once, a rise when all own meters were read."""

        def tell() -> None:
            if meter not in self.dead_meters:
                self.known[circuit] = lowest(external, self.polled[circuit])  # a newer reading may have said less
                self.promise.metered(circuit, self.known[circuit])

        self.at(self.now + delay, tell)

    def lose_meter(self, meter: str) -> None:
        """It answers no more; the meter actor says so after 5 s."""
        self.dead_meters.add(meter)
        stale = ReadingTaken(meter, Quality.STALE, None, None, self.clock().mono + 5.0, WALL)
        self.at(self.now + 5.0, lambda: self.tell(stale))
        circuit = next((c for c in self.circuits if c.meter == meter), None)
        if circuit is not None:
            self.at(self.now + 5.0, lambda: self.promise.metered(circuit.name, circuit.external_fallback_ma))

    def uncounted(self) -> list[tuple[str, PerPhase, PerPhase]]:
        """Charge points that may draw more than the coordinator counts: name, truth, what it counts."""
        if self.down or self.state.holding_until is not None:
            return []
        points = self.state.points_by_name
        found = [
            (name, self.promise._worst(self.now, name), points[name].committed_ma(self.clock().mono)) for name in points
        ]
        return [each for each in found if any(true > counted for true, counted in zip(*each[1:], strict=True))]

    def _look(self) -> None:
        self._check()
        self.at(self.now + 0.25, self._look)

    def _check(self) -> None:
        for circuit in self.circuits:
            name = circuit.name
            self.violations += self.overload[name].observe(self.now, self.limit_of(name), *self.flows_ma(name))
        for name, device in self.devices.items():
            self.violations += self.signal[name].signalled(self.now, device.signalled_ma)


def operator_limit(circuit: str, limit_ma: PerPhase) -> SetLimit:
    return SetLimit("", Limit(circuit, LimitKind.OPERATOR, "test", limit_ma))


def each(current_ma: int) -> PerPhase:
    return (current_ma, current_ma, current_ma)


def grid(limit_ma: int = 63_000, **changes: object) -> Circuit:
    """The connection of examples/single.toml."""
    described: dict[str, object] = {
        "headroom_ma": 1_000,
        "meter": "grid-meter",
        "external_fallback_ma": (20_000, 20_000, 20_000),
    }
    return Circuit("grid", (limit_ma, limit_ma, limit_ma), **(described | changes))  # type: ignore[arg-type]


def places(count: int, node: str = "n", *, metered: bool = True, **changes: object) -> list[Placement]:
    return [
        Placement(f"{node}/cp{n}", node, "grid", meter=f"{node}-m{n}" if metered else None, **changes)  # type: ignore[arg-type]
        for n in range(1, count + 1)
    ]

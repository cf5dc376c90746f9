"""Boards, links, vehicles and meters on a circuit tree, looked at four times a second."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from park.load.circuit import WIRES, Circuit, as_sum_ma
from park.load.coordinator import CoordinatorEvent, CoordinatorState
from park.load.invariants import Cause, Violation
from park.model.electric import ZERO, PerPhase, Phases, add
from park.model.grant import Grant
from park.model.metering import ReadingTaken
from tests.park.load.boards import Boards, Device
from tools.load_soak.allocations import CheckedParts
from tools.load_soak.figures import CountedState, Figures, Overload
from tools.load_soak.trees import Park

RATES = (0.95, 0.98, 1.0, 1.02, 1.05)  # of boards' clocks (S11)
LOOK_SECONDS = 0.25
FAIR_LOOK = 20  # every so many looks fairness and use are measured
KEPT_GRANTS = 1000
NOISE_MA = 20


class TreeBoards(Boards):
    """Each circuit may have a house of its own, each board a clock of its own.

    `figures`: what happened. `calm_from`: nothing is disturbed any more from then on, `still_from`: nor is anything
    found out any more that shares depend on.
    """

    def __init__(self, park: Park, seed: int, figures: Figures) -> None:
        self.figures = figures
        self.houses: dict[str, PerPhase] = dict.fromkeys(park.houses, ZERO)
        self.rates: dict[str, float] = {}
        self._drawn_rates = Random(seed)
        self._targets: dict[str, tuple[float, tuple[int, int]]] = {}  # when they moved, from where, to where
        self._foreign = {circuit.name: ZERO for circuit in park.circuits}
        self._flows: dict[str, PerPhase] = {}
        self._phases: dict[str, tuple[object, Phases]] = {}
        self._over = {circuit.name: (Overload(), Overload(), Overload()) for circuit in park.circuits}
        self._looks = 0
        self.calm_from = self.still_from = math.inf
        super().__init__(park.circuits, park.placements, seed=seed, noise_ma=NOISE_MA)
        network = self.promise._network  # noqa: SLF001 - the tree as the checkers see it
        self._two_cycles = 2 * self.settings.interval_seconds
        self._path = {name: network.paths[name] for name in network.index}

    # ------------------------------------------------------------ the coordinator

    def begun(self) -> CoordinatorState:
        self._counted()
        state = CountedState(self.settings, self.now)
        state.parts, state.parts_unused = (
            CheckedParts(self._broken, self._drawn_rates.getrandbits(32)) for _ in range(2)
        )
        return state

    def _broken(self, invariant: str, what: str, how: str) -> None:
        self.violations.append(Violation(invariant, self.now, what, how))

    def tell(self, event: CoordinatorEvent) -> None:
        if isinstance(event, ReadingTaken):
            self.figures.readings += 1
        super().tell(event)
        if len(self.grants) > KEPT_GRANTS:
            self.figures.grants += len(self.grants)
            self.grants.clear()

    def ended(self) -> None:
        """Nothing more happens: count what was not counted yet."""
        self._counted()
        self.figures.grants += len(self.grants)

    def _counted(self) -> None:
        before = getattr(self, "state", None)
        self.figures.plans += getattr(before, "plans", 0)

    # ------------------------------------------------------------ physics

    def board_clock(self, node: str) -> float:
        return 1000.0 * self.boot[node] + self.now * self._rate(node)

    def _rate(self, node: str) -> float:
        if node not in self.rates:
            self.rates[node] = self._drawn_rates.choice(RATES)
        return self.rates[node]

    def _receive(self, grant: Grant) -> None:
        self.clock_rate = self._rate(self.devices[grant.charge_point].placement.node)
        super()._receive(grant)

    def set_house(self, circuit: str, load_ma: PerPhase) -> None:
        self.houses[circuit] = load_ma
        sums = dict.fromkeys(self._foreign, ZERO)
        for name, house in self.houses.items():
            for above in self._path[name]:
                sums[above] = add(sums[above], house)
        self._foreign = sums

    def foreign_ma(self, circuit: str) -> PerPhase:
        return self._foreign[circuit]

    def own_ma(self, circuit: str) -> PerPhase:
        self._flow()
        return self._flows[circuit]

    def _flow(self) -> None:
        """What vehicles draw, on all circuits at once."""
        self._flows = self._summed(lambda device: device.drawn_ma)

    def _summed(self, current: Callable[[Device], int]) -> dict[str, PerPhase]:
        """Currents of charge points on each circuit and those above."""
        flows: dict[str, list[int]] = {name: [0, 0, 0] for name in self._foreign}
        for name, device in self.devices.items():
            amps_ma = current(device)
            if amps_ma:
                flow = flows[device.placement.circuit]
                for phase in self._grid_phases(name, device):
                    flow[phase - 1] += amps_ma
        for name in sorted(flows, key=len, reverse=True):
            if len(self._path[name]) > 1:
                above, below = flows[self._path[name][1]], flows[name]
                for phase in range(WIRES):
                    above[phase] += below[phase]
        return {name: (flow[0], flow[1], flow[2]) for name, flow in flows.items()}

    def _grid_phases(self, name: str, device: Device) -> Phases:
        vehicle = device.vehicle
        known = self._phases.get(name)
        if known is None or known[0] is not vehicle:
            known = self._phases[name] = (vehicle, device.grid_phases())
        return known[1]

    def began(self, cause: Cause) -> None:
        for overload in self.overload.values():
            overload.began(cause)

    def over(self, cause: Cause) -> None:
        for overload in self.overload.values():
            overload.ended(cause, self.now)

    # ------------------------------------------------------------ looking

    def _check(self) -> None:
        """Only when it is looked at: what flows in between lasts no longer than a look."""

    def _look(self) -> None:
        self.at(self.now + LOOK_SECONDS, self._look)
        self._flow()
        for circuit in self.circuits:
            name = circuit.name
            limit, own, foreign = self.limit_of(name), self._flows[name], self._foreign[name]
            watch = self.overload[name]
            self.violations += watch.observe(self.now, limit, own, foreign)
            quiet = not watch._excuse(self.now)  # noqa: SLF001 - what the checker takes for quiet
            for phase, overload in enumerate(self._over[name]):
                self.figures.flowed(overload, self.now, LOOK_SECONDS, own[phase] + foreign[phase], limit[phase])
                if quiet and own[phase] and len(watch._phases[phase].spare) == 1:  # noqa: SLF001
                    self.figures.spare(limit[phase] - foreign[phase] - own[phase])
        for name, device in self.devices.items():
            self.violations += self.signal[name].signalled(self.now, device.signalled_ma)
        self._still()
        self._looks += 1
        if self._looks % FAIR_LOOK == 0:
            self._fairness()
            self._use()

    def _still(self) -> None:
        """S8: while nothing is disturbed no target moves and comes back within two cycles."""
        if self.now < self.still_from or self.down:
            self._targets.clear()
            return
        for point in self.state.points:
            at, before = self._targets.get(point.placement.charge_point, (-math.inf, (-1, -1)))
            if before[1] == point.target_ma:
                continue
            if before[0] == point.target_ma and self.now - at < self._two_cycles:
                detail = f"{point.target_ma} mA, {before[1]} mA for {self.now - at:.2f} s, and back"
                self._broken("S8", point.placement.charge_point, detail)
            self._targets[point.placement.charge_point] = (self.now, (before[1], point.target_ma))

    def _fairness(self) -> None:
        """Vehicles at the same circuit, on the same phases, of the same class, weight, step and maximum are alike."""
        alike: list[tuple[object, int]] = []
        for name, device in self.devices.items():
            place, vehicle = device.placement, device.vehicle
            if vehicle is None or vehicle.appetite_ma is not None or not device.signalled_ma:
                continue
            most = min(vehicle.maximum_ma, place.maximum_ma)
            if device.signalled_ma < most and not self.links[place.node].cut:
                phases = self._grid_phases(name, device)
                group = (
                    place.circuit,
                    phases,
                    place.priority,
                    place.weight,
                    place.resolution_ma,
                    most,
                    place.meter is None,
                )
                alike.append((group, device.signalled_ma))
        self.figures.shared(alike)

    def _use(self) -> None:
        """How full the fullest conductor is, by what is offered, above each vehicle that would take more."""
        offered = self._summed(lambda device: max(device.signalled_ma, device.drawn_ma))
        full = {circuit.name: self._fullness(circuit, offered[circuit.name]) for circuit in self.circuits}
        for name, device in self.devices.items():
            vehicle = device.vehicle
            if vehicle is None or vehicle.appetite_ma is not None or not device.signalled_ma:
                continue
            if device.signalled_ma < min(vehicle.maximum_ma, device.placement.maximum_ma):
                lines = [phase - 1 for phase in self._grid_phases(name, device)] + [WIRES]
                above = self._path[device.placement.circuit]
                fullest = max(full[circuit][line] for circuit in above for line in lines)
                self.figures.used(fullest, calm=self.now >= self.calm_from)

    def _fullness(self, circuit: Circuit, own_ma: PerPhase) -> list[float]:
        """Of its phases, and of its power: what may flow there of what is allowed to."""
        name = circuit.name
        flows = add(own_ma, self._foreign[name])
        limits = [max(1, limit - circuit.headroom_ma) for limit in self.limit_of(name)]
        shares = [flow / limit for flow, limit in zip(flows, limits, strict=True)]
        watts = circuit.limit_watts
        return [*shares, 0.0 if watts is None else sum(flows) / as_sum_ma(watts)]

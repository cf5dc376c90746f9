"""What happens in a soak: vehicles, houses, limits, and faults that begin and end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from park.load.invariants import Cause
from tests.park.load.boards import Vehicle
from tools.load_soak.figures import Figures
from tools.load_soak.trees import Park
from tools.load_soak.world import TreeBoards

STAY_SECONDS = 120.0  # of a vehicle, on average
ARRIVAL_SECONDS = 30.0  # between two at one charge point, on average
HOUSE_SECONDS = (0.5, 2.0, 8.0)  # between two changes of the foreign load somewhere: a mean for each park
LIMIT_SECONDS = 20.0  # … of an operator's limit
FAULT_SECONDS = (1.5, 4.0, 15.0)  # … of faults: a mean for each park, so that some have quiet times
FAULT_LASTS = (0.3, 30.0)  # drawn evenly by the logarithm
AGAIN_SECONDS = 3.0  # a demand is repeated: over a slow link the newest may have been overtaken
LOSSES = (0.1, 0.6)
SLOW_SECONDS = (0.3, 1.5)


class Mischief:
    """Draws what happens, from its own random source. `heal`: what ends the faults that last now, by what failed."""

    def __init__(self, world: TreeBoards, park: Park, seed: int) -> None:
        self.world, self.park, self.random = world, park, Random(seed)
        self.figures: Figures = world.figures
        self.failed: dict[str, Callable[[], None]] = {}
        self.causes: dict[Cause, int] = dict.fromkeys(Cause, 0)
        self.epoch = 1
        self.over = False  # nothing new happens
        self.house_seconds = self.random.choice(HOUSE_SECONDS)
        self.fault_seconds = self.random.choice(FAULT_SECONDS)
        for name in world.devices:
            self._after(ARRIVAL_SECONDS / 4, lambda name=name: self._plug(name))
        self._after(self.house_seconds, self._house)
        self._after(LIMIT_SECONDS, self._limit)
        self._after(self.fault_seconds, self._fault)

    def _after(self, mean_seconds: float, act: Callable[[], None]) -> None:
        def unless_over() -> None:
            if not self.over:
                act()

        self.world.at(self.world.now + self.random.expovariate(1.0 / mean_seconds), unless_over)

    def rest(self) -> None:
        """Nothing new happens any more; what lasts ends by itself."""
        self.over = True

    # ------------------------------------------------------------ every day

    def _plug(self, name: str) -> None:
        world, device = self.world, self.world.devices[name]
        if device.vehicle is None:
            self.figures.deeds["arrival"] += 1
            world.arrive(name, self._vehicle(device.placement.phases))
            self._after(STAY_SECONDS, lambda: self._plug(name))
        else:
            self.figures.deeds["departure"] += 1
            world.leave(name)
            self._after(ARRIVAL_SECONDS, lambda: self._plug(name))
        world.at(world.now + AGAIN_SECONDS, lambda: world.wish(name))

    def _vehicle(self, phases: int) -> Vehicle:
        random = self.random
        return Vehicle(
            phases=random.choice((1, 2, 3, 3)) if phases > 1 else 1,
            maximum_ma=random.choice((10_000, 16_000, 32_000, 32_000)),
            reaction=random.uniform(0.2, 4.9),
            appetite_ma=random.choice((None, None, None, None, 0, 7_000, 12_000)),
        )

    def _house(self) -> None:
        """Never beyond the fallback: what cannot be known then is no promise of ours."""
        self._after(self.house_seconds, self._house)
        self.figures.deeds["house step"] += 1
        name = self.random.choice(list(self.park.houses))
        most = self.park.houses[name]
        a, b, c = (self.random.choice((0, each // 3, each, self.random.randint(0, each))) for each in most)
        self.world.set_house(name, (a, b, c))

    def _limit(self) -> None:
        """An operator's limit, or its end. Not while a link or the coordinator is lost: nobody would hear it."""
        self._after(LIMIT_SECONDS, self._limit)
        if self.causes[Cause.LINK_LOST] or self.causes[Cause.RESTART]:
            return
        self.figures.deeds["limit"] += 1
        circuit = self.random.choice(self.park.circuits)
        share = self.random.choice((1.0, 1.0, 0.8, 0.5, 0.2))
        a, b, c = (max(self._needed(circuit.name, phase), round(share * circuit.limit_ma[phase])) for phase in range(3))
        self.world.limit(circuit.name, (a, b, c))

    def _needed(self, name: str, phase: int) -> int:
        """What is always possible there: lapse currents and foreign load of all boards that may be away."""
        circuit = next(each for each in self.park.circuits if each.name == name)
        lapses = sum(
            device.placement.fallback_ma
            for device in self.world.below(name)
            if phase + 1 in device.placement.grid_phases(device.placement.phases)
        )
        return lapses + circuit.external_fallback_ma[phase] + circuit.headroom_ma

    # ------------------------------------------------------------ faults

    def _fault(self) -> None:
        self._after(self.fault_seconds, self._fault)
        kinds = (self._cut, self._deaf, self._mute, self._lossy, self._slow, self._all_cut, self._circuit_meter,
                 self._own_meter, self._coordinator, self._reboot, self._clock)  # fmt: skip
        self.random.choice(kinds)()

    def _lasting(
        self, kind: str, what: str, cause: Cause | None, fail: Callable[[], None], heal: Callable[[], None]
    ) -> None:
        """One fault of one thing at a time; it ends by itself. `kind` empty: it is counted already."""
        if what in self.failed:
            return
        if kind:
            self.figures.faults[kind] += 1
        least, most = FAULT_LASTS
        seconds = least * (most / least) ** self.random.random()
        self._begins(cause)
        fail()
        self.failed[what] = heal

        def ends() -> None:
            del self.failed[what]
            heal()
            self._ends(cause)

        self.world.at(self.world.now + seconds, ends)

    def _begins(self, cause: Cause | None) -> None:
        if cause is not None:
            self.causes[cause] += 1
            self.world.began(cause)

    def _ends(self, cause: Cause | None) -> None:
        if cause is None:
            return
        self.causes[cause] -= 1
        if not self.causes[cause]:
            self.world.over(cause)

    def _node(self) -> str:
        return self.random.choice(list(self.world.links))

    def _again(self, node: str) -> None:
        """A link that is back: levels are told again."""
        for name, device in self.world.devices.items():
            if device.placement.node == node:
                self.world.report(name)
                self.world.wish(name)

    def _cut(self) -> None:
        node = self._node()
        link = self.world.links[node]

        def heal() -> None:
            link.cut = False
            self._again(node)

        self._lasting("board cut off", node, Cause.LINK_LOST, lambda: setattr(link, "cut", True), heal)

    def _all_cut(self) -> None:
        self.figures.faults["network of the server lost"] += 1
        for node in self.world.links:
            link = self.world.links[node]

            def heal(node: str = node) -> None:
                self.world.links[node].cut = False
                self._again(node)

            self._lasting("", node, Cause.LINK_LOST, lambda link=link: setattr(link, "cut", True), heal)

    def _loses(self, kind: str, down: float, up: float) -> None:
        node = self._node()
        link = self.world.links[node]

        def fail() -> None:
            link.lost_down, link.lost_up = down, up

        def heal() -> None:
            link.lost_down = link.lost_up = 0.0
            self._again(node)

        self._lasting(kind, node, Cause.LINK_LOST, fail, heal)

    def _deaf(self) -> None:
        self._loses("board hears nothing", 1.0, 0.0)

    def _mute(self) -> None:
        self._loses("board is not heard", 0.0, 1.0)

    def _lossy(self) -> None:
        self._loses("frames lost", self.random.uniform(*LOSSES), self.random.uniform(*LOSSES))

    def _slow(self) -> None:
        node = self._node()
        link, usual = self.world.links[node], self.world.links[node].delay

        def heal() -> None:
            link.delay = usual
            self._again(node)

        slow = self.random.uniform(*SLOW_SECONDS)
        self._lasting("frames late", node, Cause.LINK_LOST, lambda: setattr(link, "delay", slow), heal)

    def _circuit_meter(self) -> None:
        name = self.random.choice(list(self.park.houses))
        self._meter("circuit meter silent", f"{name}-meter", Cause.METER_LOST)

    def _own_meter(self) -> None:
        meters = [place.meter for place in self.park.placements if place.meter is not None]
        if meters:
            self._meter("meter of a charge point silent", self.random.choice(meters), None)

    def _meter(self, kind: str, meter: str, cause: Cause | None) -> None:
        dead = self.world.dead_meters
        self._lasting(kind, meter, cause, lambda: self.world.lose_meter(meter), lambda: dead.discard(meter))

    def _coordinator(self) -> None:
        self.epoch += 1

        def heal() -> None:
            self.world.start_coordinator(self.epoch)
            for node in self.world.links:
                self._again(node)

        self._lasting(
            "coordinator killed", "coordinator", Cause.RESTART, lambda: setattr(self.world, "down", True), heal
        )

    def _reboot(self) -> None:
        self.figures.faults["board rebooted"] += 1
        node = self._node()
        self.world.reboot(node)
        self._again(node)

    def _clock(self) -> None:
        self.figures.faults["clock jump"] += 1
        self.world.wall += timedelta(hours=self.random.choice((-1000.0, -1.0, 1.0, 1000.0)))

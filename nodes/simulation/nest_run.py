"""Runs a park of two levels in virtual time: networks, boards and leaders fail, and both levels keep their promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address, Nowhere
from actors.messages import ChargePointMessage, ReaderMessage
from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.clocks import BoardClock, BoardWorld
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.mortal import Planted, mortal
from nodes.simulation.nest import DECK, FEED, GRID, GROUP, HALL, HOUSE_AMPS, HOUSE_METER, NestPlan, random_nest
from nodes.simulation.nest_eyes import AboveCheckers, GroupCheckers
from nodes.simulation.network import FAIR, Orders, SimulatedNetwork, Weather
from nodes.simulation.node import VERSION, ClientNode, ServerNode, SimulatedNode, Surroundings
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.scenario import Backend
from nodes.simulation.sinks import KeptAlarms, KeptCrashes, KeptReports
from nodes.simulation.world import SimulatedWorld
from nodes.virtual.plan import bench_plan
from nodes.wiring import Board, Edges, Park, RemoteBoard, Roles
from nodes.wiring.above import Leader, offered_loads
from park.config.groups import placed_loads
from park.config.mapping import circuits, full_name, placements
from park.config.node_config import NodeConfig
from park.exchange.server_link import BoardSettings
from park.load.group import GroupSettings, loads
from park.load.invariants import Violation
from park.model.electric import PerPhase
from park.physics.hardware import TRAITS
from park.physics.site import Site, SitePlan
from park.physics.vehicle import Behaviour, VehicleSpec

MINUTE = 60.0
QUIET_SECONDS = 30.0  # at the beginning: boards connect, the first cars come
SLOW = 0.95  # of the leader of the group: so much slower its clock may be (S11)
FAULT_SECONDS = (0.5, 40.0)
BETWEEN_SECONDS = (1.0, 25.0)
CAR_SECONDS = (5.0, 40.0)
BAD = Weather((0.01, 1.0), loss=0.3, double=0.3)
CARS = (
    VehicleSpec(3, 16_000),
    VehicleSpec(3, 32_000),
    VehicleSpec(1, 32_000),
    VehicleSpec(3, 32_000, behaviour=Behaviour.SLOW),
)


class NestOutcome(Struct, frozen=True):
    """`faults`: how often each kind happened. `charged_wh`: of each charge point.

    `most_ma`: the most the charge points of the group might draw at any time, mA per phase.
    """

    violations: tuple[Violation, ...]
    crashes: tuple[str, ...]
    faults: dict[str, int]
    most_ma: PerPhase
    charged_wh: dict[str, float]
    digests: tuple[str, str]


class ParkAbove(ServerNode):
    """The server above: a group is placed in its park."""

    def __init__(self, plan: NestPlan, around: Surroundings, random: Random, backend: SimulatedBackend) -> None:
        self._plan = plan
        super().__init__(plan.park, around, BoardClock(), random, backend, mortal(Roles()), server_id="above-1")

    def _led(self, board: Board) -> Board:
        group = self._plan.group
        coordinator = replace(board.coordinator, placements=(*board.coordinator.placements, *loads(group)))
        remote = RemoteBoard(group.node, placed_loads(group))
        return replace(board, coordinator=coordinator, boards=(*board.boards, remote))


class GroupLeader(ServerNode):
    """The server of the group: in the park above it is a board. `above`: the network between the two.

    `seen`: the checkers there.
    """

    def __init__(
        self,
        plan: NestPlan,
        around: Surroundings,
        above: SimulatedNetwork,
        seen: AboveCheckers,
        random: Random,
        backend: SimulatedBackend,
        roles: Roles,
    ) -> None:
        self._plan, self._above, self._seen = plan, above, seen
        self._boot_id = ""
        super().__init__(plan.leader, around, BoardClock(SLOW), random, backend, mortal(roles), server_id="leader-1")

    def _led(self, board: Board) -> Board:
        boot_id, plan = board.hardware.boot_id, self._plan
        self._boot_id = boot_id
        link = BoardSettings(
            park=plan.park.park.name if plan.park.park else HALL,
            node=DECK,
            version=VERSION,
            boot_id=boot_id,
            journal_id=board.journal_id,
            charge_points=offered_loads(plan.group),
        )
        return replace(board, above=Leader(GroupSettings(GROUP, boot_id, plan.group.fallback_ma), link))

    def _reaching(self, edges: Edges, world: BoardWorld) -> Edges:
        return replace(edges, above=Orders(self._above, world))

    def _connect(self, world: BoardWorld, park: Park) -> None:
        self._seen.booted(DECK, self._boot_id, world)
        self._above.dialer(DECK, world, world.entry(park.above)).dial()

    def kill(self, *, noticed: bool = True) -> None:
        world = None if self.run is None else self.run.world
        super().kill(noticed=noticed)
        if world is not None:
            self._above.gone(world, noticed=noticed)


class NestRun:
    """One park of two levels, from power-on to the end of its faults. `roles`: other classes in the group's leader."""

    def __init__(self, seed: int, minutes: float = 5.0, roles: Roles = Roles()) -> None:
        self.seed, self.seconds = seed, minutes * MINUTE
        self.plan = plan = random_nest(self._random("nest"))
        self.world = world = SimulatedWorld(seed)
        self.faults: Counter[str] = Counter()
        self.site = Site(self._site())
        self.crashes, self.alarms = KeptCrashes(), KeptAlarms()
        self.points: dict[str, Address[ChargePointMessage]] = {}
        self.readers: dict[str, Address[ReaderMessage]] = {}
        above, below = self._names(plan.boards), self._names(plan.boards_below)
        self.below = GroupCheckers(
            world, circuits(plan.leader), placements(plan.leader, lambda _: TRAITS), self.site, below
        )
        self.above = AboveCheckers(
            world,
            circuits(plan.park),
            placements(plan.park, lambda _: TRAITS),
            self.site,
            above,
            plan.group,
            self.below,
        )
        self.hardware = SimulatedHardware(world, self.site, above | below, self._look, self._sampled)
        self.networks = {name: SimulatedNetwork(world, self._random(f"network {name}")) for name in (HALL, DECK)}
        backend = SimulatedBackend(world, self._random("backend"), Backend(), lambda _: None, frozenset())
        around = {HALL: self._around(HALL, self.above), DECK: self._around(DECK, self.below)}
        self.server = ParkAbove(plan, around[HALL], self._random(HALL), backend)
        self.leader = GroupLeader(
            plan, around[DECK], self.networks[HALL], self.above, self._random(DECK), backend, roles
        )
        self.nodes: dict[str, SimulatedNode] = {HALL: self.server, DECK: self.leader}
        self.network_of = {DECK: HALL}  # where a board dials
        for level, boards in ((HALL, plan.boards), (DECK, plan.boards_below)):
            for config in boards:
                name = config.node.name
                self.nodes[name] = ClientNode(config, around[level], BoardClock(), self._random(name), mortal(Roles()))
                self.network_of[name] = level
        self._mischief = self._random("faults")

    def _random(self, purpose: str) -> Random:
        return Random(f"{self.seed} {purpose}")

    @staticmethod
    def _names(boards: tuple[NodeConfig, ...]) -> dict[str, str]:
        return {each.name: full_name(board.node.name, each.name) for board in boards for each in board.charge_point}

    def _site(self) -> SitePlan:
        """One building: the feed of the group hangs on the connection of the park."""
        site = bench_plan([(node.node.name, node) for node in self.plan.nodes]).site
        hung = [replace(each, parent=GRID) if each.name == FEED else each for each in site.circuits]
        return replace(site, circuits=tuple(sorted(hung, key=lambda each: each.name != GRID)))

    def _around(self, level: str, checkers: ParkCheckers) -> Surroundings:
        return Surroundings(
            self.world,
            self.hardware,
            self.networks[level],
            checkers,
            self.points,
            self.readers,
            self.crashes,
            self.alarms,
            KeptReports(self.world),
        )

    def _look(self, now: float) -> None:
        self.below.look(now)
        self.above.look(now)

    def _sampled(self, meter: str) -> None:
        self.below.sampled(meter)
        self.above.sampled(meter)

    # ------------------------------------------------------------ what happens

    def go(self, *, faulty: bool = True) -> NestOutcome:
        for boards in (self.plan.boards, self.plan.boards_below):
            self.points.update(dict.fromkeys(self._names(boards).values(), Nowhere()))
        self.hardware.connect(self.points, self.readers)
        start = self._random("start")
        for node in self.nodes.values():
            self.world.after(start.uniform(0.0, 5.0), node.boot)
        cars, house = self._random("cars"), self._random("house")
        for name in self.site.evses:
            self.world.after(start.uniform(*CAR_SECONDS), lambda name=name: self._come_or_go(name, cars))
        self.world.after(0.0, lambda: self._switch(house))
        if faulty:
            self.world.after(QUIET_SECONDS, self._fail)
        self.world.run_until(self.seconds)
        return self._outcome()

    def _outcome(self) -> NestOutcome:
        energy = {name: evse.energy_wh for name, evse in self.site.evses.items()}
        return NestOutcome(
            violations=(*self.above.violations, *self.below.violations),
            crashes=tuple(text for text in self.crashes.texts if Planted.__name__ not in text),
            faults=dict(sorted(self.faults.items())),
            most_ma=self.above.most_ma,
            charged_wh=energy,
            digests=(self.above.log.digest, self.below.log.digest),
        )

    def _come_or_go(self, name: str, random: Random) -> None:
        now = self.world.now().mono
        if self.site.evses[name].vehicle is None:
            self.site.plug(name, random.choice(CARS), now)
        else:
            self.site.unplug(name, now)
        self.hardware.changed()
        self.world.after(random.uniform(*CAR_SECONDS) * 2, lambda: self._come_or_go(name, random))

    def _switch(self, random: Random) -> None:
        """The house of the park, never above what is planned with while its meter is lost."""
        amps = [random.choice((0, HOUSE_AMPS // 2, HOUSE_AMPS)) for _ in range(3)]
        self.site.load(HOUSE_METER, (1000 * amps[0], 1000 * amps[1], 1000 * amps[2]), self.world.now().mono)
        self.hardware.changed()
        self.world.after(random.uniform(*CAR_SECONDS), lambda: self._switch(random))

    def _fail(self) -> None:
        random = self._mischief
        kind = random.choice(("cut", "weather", "reset", "kill", "pause", "actor"))
        node = random.choice((HALL, DECK, DECK, *self.network_of))
        heal = getattr(self, f"_{kind}")(node, random)
        if heal is not None:
            self.faults[f"{kind} {'leader' if node == DECK else 'park' if node == HALL else 'board'}"] += 1
            self._trouble(1, node)

            def over() -> None:
                heal()
                self._trouble(-1, node)

            self.world.after(random.uniform(*FAULT_SECONDS), over)
        self.world.after(random.uniform(*BETWEEN_SECONDS), self._fail)

    def _trouble(self, began: int, node: str) -> None:
        """On both levels: what ends below is what was given above."""
        for checkers in (self.above, self.below):
            checkers.trouble(began)
            if node in (HALL, DECK) and began > 0:
                checkers.restarting()
            elif node in (HALL, DECK):
                checkers.restarted()

    def _cut(self, node: str, _: Random) -> Callable[[], None] | None:
        level = self.network_of.get(node)
        if level is None:
            return None
        ways, network = [(node, level), (level, node)], self.networks[level]
        network.cut(ways)
        return lambda: network.mend(ways)

    def _weather(self, node: str, _: Random) -> Callable[[], None] | None:
        level = self.network_of.get(node)
        if level is None:
            return None
        self.networks[level].weather(node, BAD)
        return lambda: self.networks[level].weather(node, FAIR)

    def _reset(self, node: str, _: Random) -> Callable[[], None] | None:
        level = self.network_of.get(node)
        if level is None:
            return None
        self.networks[level].reset(node)
        return lambda: None

    def _kill(self, node: str, random: Random) -> Callable[[], None] | None:
        if not self.nodes[node].is_up:
            return None
        self.nodes[node].kill(noticed=random.random() < 1 / 2)
        return self.nodes[node].boot

    def _pause(self, node: str, _: Random) -> Callable[[], None] | None:
        if not self.nodes[node].is_up:
            return None
        self.nodes[node].pause()
        return self.nodes[node].go_on

    def _actor(self, node: str, random: Random) -> Callable[[], None] | None:
        run = self.nodes[node].run
        if run is None:
            return None
        run.world.doomed = random.choice(("coordinator", "board_link") if node == HALL else ("server_link",))
        if node == DECK:
            run.world.doomed = random.choice(("coordinator", "server_link", "board_link"))
        return lambda: None

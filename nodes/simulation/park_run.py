"""Runs a random park: boards, network, people, backend and faults of one seed, its promises checked to the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from random import Random

from actors.address import Address, Nowhere
from actors.messages import ChargePointMessage, ReaderMessage
from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.books import Key, data_violations, key_of_start
from nodes.simulation.clocks import BoardClock
from nodes.simulation.faults import Fault, Kind, fault_plan
from nodes.simulation.happenings import Happenings
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.houses import SimulatedHouse
from nodes.simulation.mortal import Planted, mortal
from nodes.simulation.network import SimulatedNetwork
from nodes.simulation.node import ClientNode, ServerNode, SimulatedNode, Surroundings
from nodes.simulation.operator import Operator
from nodes.simulation.park_eyes import ParkCheckers
from nodes.simulation.park_outcome import ParkOutcome
from nodes.simulation.parks import SERVER, Bounds, random_park
from nodes.simulation.people import People
from nodes.simulation.sinks import KeptAlarms, KeptCrashes, KeptReports
from nodes.simulation.succession import Succession, Takeover, takeover_plan
from nodes.simulation.world import SimulatedWorld
from nodes.virtual.plan import bench_plan
from nodes.wiring import Roles
from park.config.mapping import circuits, full_name, placements
from park.journal.codec import Entry, entry_of
from park.journal.journal import TABLE as JOURNAL
from park.load.invariants import Violation
from park.model.session import SessionEnded, SessionFact, SessionStarted, key_of
from park.ocpp.link import SendCall
from park.physics.hardware import TRAITS
from park.physics.site import Site

MINUTE = 60.0
RATE = 0.05  # S11: a clock-rate difference of 5 % to the server breaks nothing
WALL_SECONDS = 30.0  # how wrong the wall clocks of boards are anyway
LEAVE_SECONDS = 120.0  # after the end: all is whole again, people go, sessions end
DRAIN_SECONDS = 7200.0  # and what is on its way to the backend has so long at most: each lost answer takes 90 s of it
LOOK_SECONDS = 30.0
ROUNDING_WH = 1.0  # registers are read in whole Wh, at the start and the end of a session


class ParkRun:
    """One park from power-on to the end of its faults. `roles`: other classes for some of the actors."""

    def __init__(
        self,
        seed: int,
        minutes: float = 15.0,
        bounds: Bounds = Bounds(),
        roles: Roles = Roles(),
        faults: tuple[Fault, ...] | None = None,
        takeover: Takeover | None = None,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self.seed, self.seconds, self.drain_seconds = seed, minutes * MINUTE, drain_seconds
        self.plan = plan = random_park(self._random("park"), bounds)
        self.world = SimulatedWorld(seed)
        names = {
            point.name: full_name(node.node.name, point.name) for node in plan.nodes for point in node.charge_point
        }
        self.site = Site(bench_plan([(node.node.name, node) for node in plan.nodes]).site)
        self.checkers = ParkCheckers(
            self.world,
            circuits(plan.server),
            placements(plan.server, lambda _: TRAITS),
            self.site,
            names,
            plan.blocked,
        )
        self.hardware = SimulatedHardware(self.world, self.site, names, self.checkers.look, self.checkers.sampled)
        self.network = SimulatedNetwork(self.world, self._random("network"))
        self.backend = SimulatedBackend(self.world, self._random("backend"), plan.backend, self._called, plan.refused)
        self.crashes, self.alarms, self.reports = KeptCrashes(), KeptAlarms(), KeptReports(self.world)
        self.points: dict[str, Address[ChargePointMessage]] = dict.fromkeys(names.values(), Nowhere())
        self.readers: dict[str, Address[ReaderMessage]] = {
            reader.name: Nowhere() for node in plan.nodes for reader in node.reader
        }
        self.roles = mortal(roles)
        self.around = around = Surroundings(
            self.world,
            self.hardware,
            self.network,
            self.checkers,
            self.points,
            self.readers,
            self.crashes,
            self.alarms,
            self.reports,
        )
        clocks = self._random("clocks")
        self.server = ServerNode(
            plan.server,
            around,
            BoardClock(wall_error=clocks.uniform(-1, 1)),
            self._random("server"),
            self.backend,
            self.roles,
        )
        self.nodes: dict[str, SimulatedNode] = {self.server.name: self.server}
        for config in plan.clients:
            clock = BoardClock(1.0 + clocks.uniform(-RATE, RATE), clocks.uniform(-WALL_SECONDS, WALL_SECONDS))
            name = config.node.name
            self.nodes[name] = ClientNode(config, around, clock, self._random(name), self.roles)
        self.people = People(
            self.world, self.hardware, plan.arrivals, self._random("people"), self._is_charging, plan.readers
        )
        if faults is None:
            meters = [circuit.meter for circuit in plan.server.circuit if circuit.meter is not None]
            clients = [config.node.name for config in plan.clients]
            faults = fault_plan(self._random("faults"), self.seconds, SERVER, clients, meters)
            if not plan.server.charge_point:  # two processes would fight for the same electronics
                takeover = takeover_plan(self._random("takeover"), self.seconds, clients)
        if takeover is not None:  # a board with an empty disk knows of no server, and may go astray for longer
            faults = tuple(fault for fault in faults if fault.kind is not Kind.DATABASE)
        self.happenings = Happenings(
            self.world, self.nodes, self.network, self.hardware, self.backend, self.checkers, self._losing
        )
        self.faults, self.takeover = faults, takeover
        self.operator = Operator(
            self.world,
            self.backend,
            plan.points,
            sorted(set(plan.arrivals.tags) - plan.refused - plan.blocked),
            self._random("operator"),
        )
        self.lost: dict[tuple[str, int], SessionFact] = {}
        self.orphans: dict[Key, str] = {}

    def _random(self, purpose: str) -> Random:
        """A source of its own for each purpose: one more draw here changes nothing there."""
        return Random(f"{self.seed} {purpose}")

    def _is_charging(self, charge_point: str) -> bool:
        return self.site.evses[charge_point].contactor.closed

    def _called(self, call: SendCall) -> None:
        self.checkers.log.write((call.action, sorted(call.payload.items(), key=lambda item: item[0])))

    def go(self) -> ParkOutcome:
        """Live through all faults; then everything is whole again, everybody leaves and the queues drain."""
        began = time.process_time()
        self.begin()
        self.world.run_until(self.seconds)
        self.happenings.heal()
        self.people.everybody_leaves()
        self.world.run_for(LEAVE_SECONDS)
        while not self._settled() and self.world.now().mono < self.seconds + self.drain_seconds:
            self.world.run_for(LOOK_SECONDS)
        return self._outcome(time.process_time() - began)

    def begin(self) -> None:
        """Switch everything on."""
        self.hardware.connect(self.points, self.readers)
        start = self._random("start")
        for node in self.nodes.values():
            self.world.after(start.uniform(0.0, 5.0), node.boot)
        for house in self.plan.houses:
            SimulatedHouse(self.world, self.hardware, house, self._random(f"house {house.meter}")).change()
        for fault in self.faults:
            self.happenings.plan(fault)
        if self.takeover is not None:
            self._succeed(self.takeover)
        self.people.begin(self.seconds)
        self.operator.begin(self.seconds)

    def _losing(self, node: SimulatedNode) -> None:
        """Keep what the backend has of it for certain; of the rest it is known who began."""
        sessions: dict[str, list[Entry]] = {}
        for row in node.store.rows(JOURNAL):
            entry = entry_of(node.name, row.key, row.body)
            sessions.setdefault(entry.fact.session, []).append(entry)
        for entries in sessions.values():
            facts = [entry.fact for entry in entries]
            over = any(isinstance(fact, SessionEnded) for fact in facts)
            if over and all(entry.delivered for entry in entries):
                self.lost |= {(fact.session, fact.ordinal): fact for fact in facts}
            else:
                self.orphans |= {
                    key_of_start(fact): fact.charge_point for fact in facts if isinstance(fact, SessionStarted)
                }

    def _succeed(self, takeover: Takeover) -> None:
        """Another server with an empty disk; from then on what befalls the server befalls it."""
        first = self.server
        second = ServerNode(
            self.plan.server,
            self.around,
            BoardClock(),
            self._random("successor"),
            self.backend,
            self.roles,
            server_id="server-2",
        )

        def leads() -> None:
            self.nodes[SERVER] = second

        Succession(self.world, self.network, self.checkers, first, second, leads).plan(takeover)

    def _settled(self) -> bool:
        """All sessions are at the backend."""
        return not data_violations(self.facts(), self.backend.ledger, 0.0, self.orphans)

    def facts(self) -> Mapping[tuple[str, int], SessionFact]:
        """What is on the disks of all boards: what happened, as far as anybody may rely on it (D2)."""
        found = dict(self.lost)
        for node in self.nodes.values():
            for row in node.store.rows(JOURNAL):
                fact = entry_of(node.name, row.key, row.body).fact
                key = key_of(fact)
                found[(key.session, key.ordinal)] = fact
        return found

    def _unbilled(self, now: float) -> list[Violation]:
        """D2: what the meters counted is what the backend knows; nobody charged without a session on a disk."""
        connector_of = {point.charge_point: point.connector for point in self.plan.server.placement}
        for point in self.plan.server.charge_point:
            connector_of[full_name(self.plan.server.node.name, point.name)] = point.connector or 0
        known: Counter[int] = Counter()
        sessions: Counter[int] = Counter()
        for each in self.backend.ledger.transactions():
            known[each.connector] += each.energy_wh or 0
            sessions[each.connector] += 1
        unknown = set(self.orphans.values())
        found: list[Violation] = []
        for node in self.plan.nodes:
            for point in node.charge_point:
                name = full_name(node.node.name, point.name)
                connector, drawn = connector_of.get(name, 0), self.site.evses[point.name].energy_wh
                if (
                    name not in unknown
                    and point.meter
                    and abs(drawn - known[connector]) > ROUNDING_WH * (1 + sessions[connector])
                ):
                    detail = f"{drawn:.1f} Wh drawn, {known[connector]} Wh in {sessions[connector]} transactions"
                    found.append(Violation("D2", now, name, detail))
        return found

    def _outcome(self, real_seconds: float) -> ParkOutcome:
        checkers, backend = self.checkers, self.backend
        now = self.world.now().mono
        problems = data_violations(self.facts(), backend.ledger, now, self.orphans) + self._unbilled(now)
        for evse in self.site.evses.values():
            checkers.log.write((evse.spec.name, round(evse.energy_wh, 3)))
        transactions = backend.ledger.transactions()
        return ParkOutcome(
            seed=self.seed,
            boards=len(self.nodes),
            points=self.plan.points,
            circuits=len(self.plan.server.circuit),
            seconds=self.seconds,
            digest=checkers.log.digest,
            events=checkers.log.lines,
            violations=(*checkers.violations, *problems),
            crashes=tuple(text for text in self.crashes.texts if Planted.__name__ not in text),
            alarms=len(self.alarms.texts),
            faults=dict(sorted((self.happenings.counts + self.checkers.takeovers).items())),
            network=dict(sorted(self.network.counts.items())),
            orders=dict(sorted(backend.orders.items())),
            grants=checkers.grants,
            readings=checkers.readings,
            visits=self.people.visits,
            sessions=len(transactions),
            energy_wh=sum(each.energy_wh or 0 for each in transactions),
            peak_load=max((circuit.fuse.record().peak_ratio for circuit in self.site.circuits.values()), default=0.0),
            longest_over=max(
                (circuit.fuse.record().longest_above for circuit in self.site.circuits.values()), default=0.0
            ),
            full_seconds=self.reports.full_seconds,
            lived_seconds=self.world.now().mono,
            real_seconds=real_seconds,
        )

"""Runs a scenario: the actors of a board in virtual time, with the bench's physics, people, a backend and the checkers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from actors.address import Nowhere
from actors.supervision import Crashed, SupervisionReport
from nodes.board import Identities, single_board
from nodes.checked_config import read_checked
from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.eyes import Checkers
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.people import People
from nodes.simulation.scenario import Event, House, Scenario, read_scenario
from nodes.simulation.store import SimulatedStore
from nodes.simulation.world import SimulatedWorld
from nodes.virtual.ledger import LedgerTransaction
from nodes.virtual.plan import bench_plan
from nodes.wiring import Edges, Park, wire
from park.config.mapping import circuits, full_name, placements
from park.config.node_config import NodeConfig
from park.load.invariants import Violation
from park.model.electric import PerPhase
from park.model.session import SessionEnded, SessionFact, SessionMetered, SessionStarted
from park.ocpp.link import SendCall
from park.physics.hardware import TRAITS
from park.physics.meters import Mode
from park.physics.site import Site

HOUR = 3600.0
POLL_SPREAD = 0.07  # seconds between the polls of neighbours behind one gateway
DRAIN_SECONDS = 900.0  # after the end: what is still on its way to the backend has this time, people have left
PROGRESS_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run showed. `digest`: hash of the event log; `speed`: virtual seconds a real second."""

    scenario: str
    seed: int
    seconds: float
    digest: str
    events: int
    violations: tuple[Violation, ...]
    crashes: tuple[str, ...]
    readings: int
    commits: int
    visits: int
    turned_away: int
    sessions: int
    energy_wh: int
    calls: int
    lost_answers: int
    wire_repeats: int
    peak_load: float
    real_seconds: float

    @property
    def speed(self) -> float:
        return self.seconds / self.real_seconds if self.real_seconds else 0.0

    def as_json(self) -> str:
        """One line; keys as the attributes, violations as texts."""
        shown: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        shown["violations"] = [f"{each.invariant} {each.at:.2f} s {each.what}: {each.detail}" for each in self.violations]
        shown["speed"] = round(self.speed, 1)
        return json.dumps(shown)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Currents of a circuit at a moment, mA: for the plot."""

    mono: float
    total_ma: PerPhase
    own_ma: PerPhase


def simulate(
    path: Path,
    seed: int,
    progress: Callable[[float, float], None] = lambda _now, _end: None,
    sampled: Callable[[str, Sampled], None] | None = None,
) -> Outcome:
    """Run the scenario in a file. Raises ScenarioInvalid, or ConfigurationInvalid for its board."""
    scenario = read_scenario(path)
    config = read_checked(path.parent / scenario.board, lambda _: TRAITS).config
    return Run(scenario, config, seed).go(progress, sampled)


class Run:
    """One simulated board from power-on to the end of its scenario."""

    def __init__(self, scenario: Scenario, config: NodeConfig, seed: int) -> None:
        self.scenario, self.config, self.seed = scenario, config, seed
        self.world = SimulatedWorld(seed, scenario.start)
        self.full_names = {point.name: full_name(config.node.name, point.name) for point in config.charge_point}
        traits = lambda _: TRAITS  # noqa: E731 - an argument with a name
        self.checkers = Checkers(self.world, circuits(config), placements(config, traits), self.full_names)
        self.site = Site(bench_plan([("scenario", config)]).site)
        self.checkers.watch(self.site)
        self.hardware = SimulatedHardware(self.world, self.site, self.full_names, self.checkers.look)
        self.store = SimulatedStore(self.world)
        self.backend = SimulatedBackend(
            self.world, self._random("backend"), scenario.backend.answer_seconds, scenario.backend.lost_answers, self._called
        )
        self.crashes: list[str] = []
        self.park = self._wire()
        self.people = People(
            self.world,
            self.hardware,
            scenario.arrivals,
            self._random("people"),
            scenario.start.hour,
            lambda point: self.site.evses[point].contactor.closed,
        )

    def _random(self, purpose: str) -> Random:
        """A source of its own for each purpose: one more draw here changes nothing there."""
        return Random(f"{self.seed} {purpose}")

    def _wire(self) -> Park:
        ids = self._random("identities")
        identities = Identities(
            boot_id="boot", journal_id="journal", server_id="server", epoch=1, new_id=lambda: f"{ids.getrandbits(128):032x}"
        )
        nowhere = Nowhere()
        edges = Edges(self.store, self.hardware, self.backend, nowhere, nowhere, nowhere, nowhere)
        board = single_board(self.config, identities, "simulated")
        return wire(self.world, board, edges, _Reports(self.crashes), eyes=self.checkers)

    def go(
        self, progress: Callable[[float, float], None], sampled: Callable[[str, Sampled], None] | None
    ) -> Outcome:
        """Live through the scenario; afterwards everybody leaves and the queue drains."""
        began = time.perf_counter()
        self._begin()
        seconds = self.scenario.hours * HOUR
        self._live(seconds, progress, sampled)
        self._everybody_leaves()
        self.world.run_for(DRAIN_SECONDS)
        return self._outcome(seconds, time.perf_counter() - began)

    def _begin(self) -> None:
        self.park.supervisor.start()
        self.hardware.connect(self.park.charge_points, self.park.readers)
        for place, meter in enumerate(self.config.meter):
            first = (place * POLL_SPREAD) % meter.poll_seconds
            self.hardware.poll(meter.name, self.park.meters[meter.name], meter.poll_seconds, first)
        if self.config.backend is not None:
            self.backend.connect(self.config.backend.identity, self.park.central)
        for house in self.scenario.house:
            _Houses(self, house, self._random(f"house {house.meter}")).begin()
        for event in self.scenario.event:
            self.world.after(event.begins, self._happening(event))
        self.people.begin(self.scenario.hours * HOUR)

    def _happening(self, event: Event) -> Callable[[], None]:
        def happen() -> None:
            self.checkers.log.write(event.what)
            match event.what:
                case "backend outage":
                    self.backend.go_away(event.minutes * 60.0)
                case "meter silent":
                    self.site.switch(event.meter, Mode.SILENT, self.world.now().mono)
                    self.world.after(
                        event.minutes * 60.0,
                        lambda: self.site.switch(event.meter, Mode.LIVE, self.world.now().mono),
                    )

        return happen

    def _live(
        self,
        seconds: float,
        progress: Callable[[float, float], None],
        sampled: Callable[[str, Sampled], None] | None,
    ) -> None:
        told = 0.0
        step = 60.0 if sampled else PROGRESS_SECONDS
        while self.world.now().mono < seconds:
            self.world.run_until(min(self.world.now().mono + step, seconds))
            now = self.world.now().mono
            if sampled is not None:
                for name, circuit in self.site.circuits.items():
                    own = self.checkers.own_flow(name)
                    sampled(name, Sampled(now, circuit.flow_ma, own))
            if now - told >= PROGRESS_SECONDS or now >= seconds:
                told = now
                progress(now, seconds)

    def _everybody_leaves(self) -> None:
        now = self.world.now().mono
        for name, evse in sorted(self.site.evses.items()):
            if evse.vehicle is not None:
                self.site.unplug(name, now)
        self.hardware.changed()

    def _called(self, call: SendCall) -> None:
        self.checkers.log.write((call.action, sorted(call.payload.items(), key=lambda item: item[0])))

    def _outcome(self, seconds: float, real_seconds: float) -> Outcome:
        transactions = self.backend.ledger.transactions()
        problems = [*self.checkers.violations, *self._data_violations(transactions)]
        for evse in self.site.evses.values():
            self.checkers.log.write((evse.spec.name, round(evse.energy_wh, 3)))
        return Outcome(
            scenario=self.scenario.name,
            seed=self.seed,
            seconds=seconds,
            digest=self.checkers.log.digest,
            events=self.checkers.log.lines,
            violations=tuple(problems),
            crashes=tuple(self.crashes),
            readings=self.checkers.readings,
            commits=self.store.commits,
            visits=self.people.visits,
            turned_away=self.people.turned_away,
            sessions=len(transactions),
            energy_wh=sum(each.energy_wh or 0 for each in transactions),
            calls=self.backend.calls,
            lost_answers=self.backend.lost,
            wire_repeats=sum(each.wire_repeats for each in transactions),
            peak_load=max((circuit.fuse.record().peak_ratio for circuit in self.site.circuits.values()), default=0.0),
            real_seconds=real_seconds,
        )

    def _data_violations(self, transactions: list[LedgerTransaction]) -> list[Violation]:
        """D1: the ledger against the facts, session by session."""
        now = self.world.now().mono
        sessions = _by_session(self.checkers.facts)
        by_key = {(each.connector, each.id_tag, each.meter_start, each.started_at): each for each in transactions}
        if len(by_key) != len(transactions):
            return [Violation("D1", now, "ledger", "two transactions with one key")]
        found = [
            Violation("D1", now, session, problem)
            for session, facts in sorted(sessions.items())
            if (problem := _difference(facts, by_key)) is not None
        ]
        if len(transactions) != len(sessions):
            found.append(Violation("D1", now, "ledger", f"{len(transactions)} transactions, {len(sessions)} sessions"))
        found += [Violation("D1", now, "ledger", text) for text in self.backend.ledger.strangers()]
        return found


def _by_session(facts: Mapping[tuple[str, int], SessionFact]) -> dict[str, list[SessionFact]]:
    sessions: dict[str, list[SessionFact]] = {}
    for (session, _), fact in sorted(facts.items()):
        sessions.setdefault(session, []).append(fact)
    return sessions


def _difference(
    facts: list[SessionFact], ledger: Mapping[tuple[int, str, int, str], LedgerTransaction]
) -> str | None:
    """What is wrong about one session at the backend; None: nothing."""
    from park.ocpp.wire import iso  # noqa: PLC0415

    start = next((fact for fact in facts if isinstance(fact, SessionStarted)), None)
    if start is None:
        return "no start fact"
    found = ledger.get((start.connector, start.id_tag, start.meter_start_wh, iso(start.at)))
    if found is None:
        return f"not in the ledger: connector {start.connector} at {iso(start.at)}"
    ends = [fact for fact in facts if isinstance(fact, SessionEnded)]
    if len(ends) != 1 or found.different_stops != 1:
        return f"{len(ends)} ends, {found.different_stops} different stops at the backend"
    if found.meter_stop != ends[0].meter_stop_wh:
        return f"ended at {ends[0].meter_stop_wh} Wh, the backend has {found.meter_stop} Wh"
    readings = Counter(type(fact) for fact in facts)[SessionMetered]
    if found.readings != readings:
        return f"{readings} readings, the backend has {found.readings}"
    return None if found.order_kept else "start, readings and stop are out of order at the backend"


class _Houses:
    """Other load that follows the hours of the scenario, with noise drawn every so often."""

    def __init__(self, run: Run, house: House, random: Random) -> None:
        self._run, self._house, self._random = run, house, random

    def begin(self) -> None:
        self._change()

    def _change(self) -> None:
        world = self._run.world
        now = world.now()
        at = (now.wall.hour + now.wall.minute / 60.0 + now.wall.second / HOUR) % 24.0
        before, after, share = int(at) % 24, (int(at) + 1) % 24, at - int(at)
        noise = self._house.noise_amps
        levels = [
            a + (b - a) * share + self._random.uniform(-noise, noise)
            for a, b in zip(self._house.amps[before], self._house.amps[after], strict=True)
        ]
        a, b, c = (max(0, round(level * 1000)) for level in levels)
        self._run.site.load(self._house.meter, (a, b, c), now.mono)
        self._run.hardware.changed()
        world.after(self._house.noise_seconds, self._change)


class _Reports:
    """Crashes in a simulation are findings."""

    def __init__(self, crashes: list[str]) -> None:
        self._crashes = crashes

    def tell(self, message: SupervisionReport, /) -> None:
        if isinstance(message, Crashed):
            self._crashes.append(f"{message.name} at {message.handling}: {message.error}\n{message.trace}")

"""Runs a scenario: the actors of a board in virtual time, with the bench's physics, people, a backend and checkers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from actors.address import Nowhere
from nodes.board import Identities, leading_board
from nodes.checked_config import read_checked
from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.books import data_violations
from nodes.simulation.eyes import Checkers
from nodes.simulation.hardware import SimulatedHardware
from nodes.simulation.houses import SimulatedHouse
from nodes.simulation.outcome import Outcome, Sampled
from nodes.simulation.people import People
from nodes.simulation.scenario import Event, Scenario, check_fits, read_scenario
from nodes.simulation.sinks import KeptAlarms, KeptCrashes, KeptReports
from nodes.simulation.store import SimulatedStore
from nodes.simulation.world import SimulatedWorld
from nodes.virtual.plan import bench_plan
from nodes.wiring import Edges, Park, Roles, wire
from park.config.mapping import circuits, full_name, placements
from park.config.node_config import NodeConfig
from park.ocpp.link import SendCall
from park.physics.hardware import TRAITS
from park.physics.meters import Mode
from park.physics.site import Site

HOUR = 3600.0
GATEWAY_METERS = 4  # behind one gateway: read within milliseconds of each other, here in one instant
GATEWAY_SECONDS = 0.21  # from the polls of one gateway to those of the next
DRAIN_SECONDS = 900.0  # after the end: what is still on its way to the backend has this time, people have left
PROGRESS_SECONDS = 900.0
SAMPLE_SECONDS = 60.0  # between two points of the plot

Progress = Callable[[float, float], None]
"""Told now and then: seconds lived through, seconds of the whole."""
Sample = Callable[[str, Sampled], None]
"""Told of each circuit, by name."""


def simulate(
    path: Path,
    seed: int,
    progress: Progress = lambda _now, _end: None,
    sample: Sample | None = None,
    hours: float = math.inf,
) -> Outcome:
    """Run the scenario in a file, or its first `hours`. Raises ScenarioInvalid; for its board, ConfigurationInvalid."""
    scenario = read_scenario(path)
    config = read_checked(path.parent / scenario.board, lambda _: TRAITS).config
    check_fits(scenario, config, path)
    return Run(scenario, config, seed).go(progress, sample, hours)


class Run:
    """One simulated board from power-on to the end of its scenario.

    `roles`: other classes for some of the actors. `backend`: another class of backend.
    """

    def __init__(
        self,
        scenario: Scenario,
        config: NodeConfig,
        seed: int,
        roles: Roles = Roles(),
        backend: type[SimulatedBackend] = SimulatedBackend,
    ) -> None:
        self.scenario, self.config, self.seed = scenario, config, seed
        self.world = SimulatedWorld(seed, scenario.start)
        names = {point.name: full_name(config.node.name, point.name) for point in config.charge_point}
        self.site = Site(bench_plan([("scenario", config)]).site)
        points = placements(config, lambda _: TRAITS)
        self.checkers = Checkers(self.world, circuits(config), points, self.site, names)
        self.hardware = SimulatedHardware(self.world, self.site, names, self.checkers.look, self.checkers.sampled)
        self.store = SimulatedStore(self.world)
        self.backend = backend(self.world, self._random("backend"), scenario.backend, self._called)
        self.crashes, self.alarms, self.reports = KeptCrashes(), KeptAlarms(), KeptReports(self.world)
        self.park = self._wire(roles)
        self._digests: list[str] = []
        self.people = People(self.world, self.hardware, scenario.arrivals, self._random("people"), self._is_charging)

    def _random(self, purpose: str) -> Random:
        """A source of its own for each purpose: one more draw here changes nothing there."""
        return Random(f"{self.seed} {purpose}")

    def _is_charging(self, charge_point: str) -> bool:
        return self.site.evses[charge_point].contactor.closed

    def _wire(self, roles: Roles) -> Park:
        ids = self._random("identities")
        identities = Identities(
            boot_id="boot",
            journal_id="journal",
            server_id="server",
            epoch=1,
            new_id=lambda: f"{ids.getrandbits(128):032x}",
        )
        edges = Edges(self.store, self.hardware, self.backend, self.reports, Nowhere(), self.alarms, Nowhere())
        board = leading_board(self.config, identities, "simulated")
        return wire(self.world, board, edges, self.crashes, eyes=self.checkers, roles=roles)

    def go(
        self, progress: Progress = lambda _now, _end: None, sample: Sample | None = None, hours: float = math.inf
    ) -> Outcome:
        """Live through the scenario, or its first `hours`; afterwards everybody leaves and the queue drains."""
        began = time.perf_counter()
        self._begin()
        seconds = min(self.scenario.hours, hours) * HOUR
        self._live(seconds, progress, sample)
        self.people.everybody_leaves()
        self.world.run_for(DRAIN_SECONDS)
        return self._outcome(seconds, time.perf_counter() - began)

    def _begin(self) -> None:
        self.park.supervisor.start()
        self.hardware.connect(self.park.charge_points, self.park.readers)
        for place, meter in enumerate(self.config.meter):
            first = (place // GATEWAY_METERS * GATEWAY_SECONDS) % meter.poll_seconds
            self.hardware.poll(meter.name, self.park.meters[meter.name], meter.poll_seconds, first)
        if self.config.backend is not None:
            self.backend.connect(self.config.backend.identity, self.park.central)
        for house in self.scenario.house:
            SimulatedHouse(self.world, self.hardware, house, self._random(f"house {house.meter}")).change()
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
                    self._switch(event.meter, Mode.SILENT)
                    self.world.after(event.minutes * 60.0, lambda: self._switch(event.meter, Mode.LIVE))

        return happen

    def _switch(self, meter: str, mode: Mode) -> None:
        self.site.switch(meter, mode, self.world.now().mono)
        self.hardware.changed()

    def _live(self, seconds: float, progress: Progress, sample: Sample | None) -> None:
        """Stop for the progress and the plot; that changes nothing about what happens."""
        told, step = 0.0, PROGRESS_SECONDS if sample is None else SAMPLE_SECONDS
        while (now := self.world.now().mono) < seconds:
            if sample is not None:
                self._sample(sample, now)
            self.world.run_until(min(now + step, seconds))
            now = self.world.now().mono
            if now - told >= PROGRESS_SECONDS or now >= seconds:
                told = now
                progress(now, seconds)
            if now >= (len(self._digests) + 1) * HOUR:
                self._digests.append(self.checkers.log.digest)

    def _sample(self, sample: Sample, now: float) -> None:
        for name, circuit in self.site.circuits.items():
            sample(name, Sampled(now, circuit.flow_ma, self.checkers.own_flow(name), circuit.fuse.limit_ma))

    def _called(self, call: SendCall) -> None:
        self.checkers.log.write((call.action, sorted(call.payload.items(), key=lambda item: item[0])))

    def _outcome(self, seconds: float, real_seconds: float) -> Outcome:
        checkers, backend, reports = self.checkers, self.backend, self.reports
        problems = data_violations(checkers.facts, backend.ledger, self.world.now().mono)
        for evse in self.site.evses.values():
            checkers.log.write((evse.spec.name, round(evse.energy_wh, 3)))
        transactions = backend.ledger.transactions()
        return Outcome(
            scenario=self.scenario.name,
            seed=self.seed,
            seconds=seconds,
            digest=checkers.log.digest,
            digests=tuple(self._digests),
            events=checkers.log.lines,
            violations=(*checkers.violations, *problems),
            crashes=tuple(self.crashes.texts),
            alarms=tuple(self.alarms.texts),
            readings=checkers.readings,
            messages=sum(child.figures().handled for child in self.park.supervisor.children()),
            commits=self.store.commits,
            visits=self.people.visits,
            turned_away=self.people.turned_away,
            sessions=len(transactions),
            energy_wh=sum(each.energy_wh or 0 for each in transactions),
            calls=backend.calls,
            outages=backend.outages,
            lost_answers=backend.lost,
            wire_repeats=sum(each.wire_repeats for each in transactions),
            longest_queue=reports.longest_queue,
            left_in_queue=reports.left_in_queue,
            dead_letters=reports.dead_letters,
            peak_load=max((circuit.fuse.record().peak_ratio for circuit in self.site.circuits.values()), default=0.0),
            full_seconds=reports.full_seconds,
            real_seconds=real_seconds,
        )

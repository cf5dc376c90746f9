"""What the checkers allow and what they do not, without a park around them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.probe import Probe

from nodes.simulation.eyes import Checkers
from nodes.simulation.overdraw import OverdrawWatch
from nodes.simulation.world import SimulatedWorld
from park.load.circuit import Circuit, Placement
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.evse import PilotOutput, SetContactor, Signal
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.metering import Quality, ReadingTaken, Sample
from park.physics.hardware import EvseSpec
from park.physics.site import CircuitSpec, MeterSpec, Site, SitePlan
from park.physics.vehicle import Behaviour, VehicleSpec

FUSE = (32_000, 32_000, 32_000)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Watched:
    """One charge point on a fuse of 32 A with a meter in line, checkers around it, and nobody inside."""

    def __init__(self, phases: int = 3) -> None:
        self.world = SimulatedWorld(1)
        self.site = Site(
            SitePlan(
                (EvseSpec("cp"),),
                (CircuitSpec("grid", FUSE),),
                (MeterSpec("main", circuit="grid"),),
                circuit_of={"cp": "grid"},
            )
        )
        circuit = Circuit("grid", FUSE, meter="main", external_fallback_ma=(20_000, 20_000, 20_000))
        placement = Placement("n/cp", "n", "grid", phases=phases)
        self.checkers = Checkers(self.world, [circuit], [placement], self.site, {"cp": "n/cp"})
        self.point = self.checkers.on_charge_point("n/cp", Probe())
        self.coordinator = self.checkers.on_coordinator(Probe())
        self.sequence = 0

    @property
    def mono(self) -> float:
        return self.world.now().mono

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.world.run_for(0.1)
            self.site.advance(self.mono)
            self.checkers.look(self.mono)

    def grant(self, amps_ma: int) -> None:
        self.sequence += 1
        stamp = Stamp("n", "boot", self.mono)
        self.coordinator.tell(BoardHeartbeat(stamp, ("n/cp",)))
        self.point.tell(ApplyGrant(Grant("n/cp", amps_ma, (1, 2, 3), 1, "s", self.sequence, 10.0, 0, stamp, reason=())))

    def read(self, quality: Quality = Quality.FRESH, *, sampled: bool = True) -> None:
        if sampled:
            self.checkers.sampled("main")
        sample = Sample((0, 0, 0), 0, 0)
        self.coordinator.tell(ReadingTaken("main", quality, sample, None, self.mono, NOON))

    def signal(self, amps_ma: int) -> None:
        self.site.apply(SetContactor("cp", closed=True), self.mono)
        self.site.apply(Signal("cp", PilotOutput.PWM, amps_ma, (1, 2, 3), 1e6, 0, 1), self.mono)
        self.checkers.look(self.mono)

    @property
    def broken(self) -> list[str]:
        return [violation.invariant for violation in self.checkers.violations]


def test_before_the_first_reading_the_fallback_counts():
    watched = Watched()
    watched.grant(13_000)
    assert set(watched.broken) == {"S1"}


def test_a_raise_into_what_the_house_uses_is_found():
    watched = Watched()
    watched.site.load("main", (10_000, 0, 0), 0.0)
    watched.read()
    watched.world.run_for(1.0)
    watched.grant(22_000)
    assert watched.broken == []
    watched.grant(23_000)
    assert watched.broken == ["S1"]


@pytest.mark.parametrize(("later", "broken"), [(0.0, []), (0.1, ["S1"])])
def test_a_reading_may_not_have_been_handled_in_its_own_instant(later: float, broken: list[str]):
    watched = Watched()
    watched.read()
    watched.world.run_for(1.0)
    watched.site.load("main", (10_000, 0, 0), watched.mono)
    watched.read()
    watched.world.run_for(later)
    watched.grant(30_000)
    assert watched.broken == broken


@pytest.mark.parametrize(("later", "broken"), [(0.0, set[str]()), (0.1, {"S1"})])
def test_a_wish_for_more_phases_counts_from_the_next_instant(later: float, broken: set[str]):
    watched = Watched()
    watched.site.load("main", (0, 20_000, 20_000), 0.0)
    watched.read()
    watched.coordinator.tell(DemandChanged("n/cp", True, 1, 6_000, 32_000, True, 0.0))
    watched.world.run_for(1.0)
    watched.coordinator.tell(DemandChanged("n/cp", True, 3, 6_000, 32_000, True, 0.0))
    watched.world.run_for(later)
    watched.grant(30_000)
    assert set(watched.broken) == broken


def test_what_changed_between_the_sample_and_its_reading_is_not_known_yet():
    watched = Watched()
    watched.checkers.sampled("main")
    watched.site.load("main", (10_000, 0, 0), watched.mono)
    watched.read(sampled=False)
    watched.world.run_for(0.5)
    watched.grant(30_000)
    assert watched.broken == []


def test_a_current_without_a_grant_is_found_at_once():
    watched = Watched()
    watched.signal(6_000)
    assert watched.broken == ["S2"]


def test_a_grant_that_was_taken_back_in_the_same_instant_may_have_been_obeyed():
    watched = Watched()
    watched.read()
    watched.world.run_for(1.0)
    watched.grant(16_000)
    watched.grant(10_000)
    watched.signal(16_000)
    assert watched.broken == []
    watched.pass_time(1.5)
    assert watched.broken == ["S2"]


def test_a_signal_that_outlives_its_lease_is_found_within_the_watchdogs_second():
    watched = Watched()
    watched.read()
    watched.world.run_for(1.0)
    watched.grant(10_000)
    watched.signal(10_000)
    watched.pass_time(10.8)
    assert watched.broken == []
    watched.pass_time(1.5)
    assert watched.broken == ["S2"]


def test_own_current_and_house_above_the_fuse_are_found_after_twelve_seconds():
    watched = Watched()
    watched.read()
    watched.site.plug("cp", VehicleSpec(maximum_ma=32_000, energy_wh=1e6), 0.0)
    watched.world.run_for(0.1)
    for _ in range(20):
        watched.grant(30_000)
        watched.signal(30_000)
        watched.pass_time(1.0)
    assert watched.broken == []
    watched.site.load("main", (10_000, 0, 0), watched.mono)
    for second in range(14):
        watched.grant(30_000)
        watched.pass_time(1.0)
        assert watched.broken == ([] if second < 12 else ["S3"])


@pytest.mark.parametrize(("behaviour", "excess", "defiant"), [("normal", 0, False), ("greedy", 800, False)])
def test_what_a_car_draws_beyond_its_offer_comes_from_outside(behaviour: str, excess: int, defiant: bool):
    watched = Watched()
    overdraw = OverdrawWatch(watched.site)
    evse = watched.site.evses["cp"]
    watched.site.plug("cp", VehicleSpec(energy_wh=1e6, behaviour=Behaviour(behaviour)), 0.0)
    watched.signal(10_000)
    overdraw.offered(evse, 10_000, 0.0)
    watched.site.advance(5.0)
    assert (overdraw.on("grid", 5.0), overdraw.defiant) == ((excess, excess, excess), defiant)


def test_a_car_has_the_reaction_time_to_follow_a_lower_offer():
    watched = Watched()
    overdraw = OverdrawWatch(watched.site)
    evse = watched.site.evses["cp"]
    watched.site.plug("cp", VehicleSpec(energy_wh=1e6, behaviour=Behaviour.IGNORES), 0.0)
    watched.signal(20_000)
    overdraw.offered(evse, 32_000, 0.0)
    watched.site.advance(5.0)
    overdraw.offered(evse, 20_000, 5.0)
    assert overdraw.on("grid", 9.9) == (0, 0, 0)
    assert overdraw.on("grid", 10.0) == (12_000, 12_000, 12_000)
    assert overdraw.defiant


def test_a_confirmed_reduction_makes_room_for_others():
    watched = Watched()
    watched.read()
    watched.world.run_for(1.0)
    watched.grant(30_000)
    watched.coordinator.tell(CurrentSignalled("n/cp", 30_000, 0, 1, 1, False, watched.mono))
    watched.grant(6_000)
    watched.coordinator.tell(CurrentSignalled("n/cp", 6_000, 0, 1, 2, False, watched.mono))
    watched.world.run_for(6.0)
    watched.site.load("main", (20_000, 20_000, 20_000), watched.mono)
    watched.read()
    watched.world.run_for(1.0)
    watched.grant(12_000)
    assert watched.broken == []
    watched.grant(13_000)
    assert set(watched.broken) == {"S1"}

"""Random parks of several boards under faults: what is promised holds, and the same seed is the same run."""

from __future__ import annotations

from random import Random

import pytest
from support.parks import SMALL, broken

from nodes.simulation.faults import ALWAYS, Fault, Kind, fault_plan
from nodes.simulation.mortal import ROLES
from nodes.simulation.park_outcome import text
from nodes.simulation.park_run import ParkRun
from nodes.simulation.parks import Bounds, random_park
from park.config.mapping import refused_at_start
from park.physics.hardware import TRAITS

SEEDS = range(1, 25)
FAULTY_MINUTES = 15.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_breaks_a_promise(seed: int):
    """The boards are fewer here than under `make soak`, the faults as many."""
    outcome = ParkRun(seed, FAULTY_MINUTES, SMALL).go()
    assert [text(each) for each in outcome.violations] == []
    assert outcome.crashes == ()
    assert outcome.has_all, "a partition, a crash and a clock jump"
    assert outcome.network["connections"] >= outcome.boards - 1


def test_a_park_without_faults_charges_and_is_exact():
    outcome = ParkRun(1, 5.0, SMALL, faults=()).go()
    assert broken(outcome) == set()
    assert outcome.sessions > 0
    assert outcome.energy_wh > 0
    assert outcome.longest_over <= 12.0
    assert outcome.orders["RemoteStartTransaction Accepted"] > 0
    assert outcome.orders["RemoteStopTransaction Accepted"] > 0


def test_equal_seeds_are_equal_runs_and_other_seeds_are_others():
    one, two, other = (ParkRun(seed, 3.0, SMALL).go() for seed in (5, 5, 6))
    assert (one.digest, one.events, one.network) == (two.digest, two.events, two.network)
    assert other.digest != one.digest


@pytest.mark.parametrize("seed", range(1, 200, 7))
def test_every_park_that_is_drawn_may_start(seed: int):
    plan = random_park(Random(seed))
    assert refused_at_start(plan.server, "drawn", lambda _: TRAITS) == ()
    assert 2 <= len(plan.nodes) <= Bounds().boards[1]
    assert all(1 <= len(node.charge_point) <= Bounds().points[1] for node in plan.clients)
    assert plan.points == len(plan.server.placement) + len(plan.server.charge_point)


DEEP = Bounds(boards=(4, 4), points=(4, 4), levels=(5, 5))


@pytest.mark.parametrize("seed", range(1, 20, 3))
def test_every_deep_park_that_is_drawn_may_start(seed: int):
    plan = random_park(Random(seed), DEEP)
    assert refused_at_start(plan.server, "drawn", lambda _: TRAITS) == ()
    assert max(circuit.name.count("-") // 2 for circuit in plan.server.circuit) + 1 == 5


def test_no_fault_breaks_a_promise_on_a_tree_of_five_levels():
    outcome = ParkRun(3, 6.0, DEEP).go()
    assert [text(each) for each in outcome.violations] == []
    assert outcome.crashes == ()
    assert outcome.sessions > 0


def test_every_plan_of_faults_has_a_partition_a_crash_and_a_clock_jump():
    for seed in range(200):
        plan = fault_plan(Random(seed), 60.0, "server", ("bay-1", "bay-2"), ())
        kinds = {fault.kind for fault in plan}
        assert all(kinds & set(group) for group in ALWAYS)
        assert all(fault.at + fault.seconds <= 60.0 for fault in plan)


def test_actors_that_fail_in_the_middle_of_a_message_break_no_promise():
    """Every role on every board, one after the other, while cars come and go."""
    seed = 3
    nodes = tuple(ParkRun(seed, FAULTY_MINUTES, SMALL, faults=()).nodes)
    failures = [(node, number) for number in range(len(ROLES)) for node in nodes]
    between = 0.9 * FAULTY_MINUTES * 60.0 / len(failures)
    faults = tuple(
        Fault(30.0 + between * place, Kind.ACTOR, 0.0, (node,), (number + 0.5) / len(ROLES))
        for place, (node, number) in enumerate(failures)
    )
    run = ParkRun(seed, FAULTY_MINUTES, SMALL, faults=faults)
    outcome = run.go()
    assert [text(each) for each in outcome.violations] == []
    assert outcome.crashes == ()
    assert outcome.sessions > 0
    failed = {role for role in ROLES if any(f"Planted {role}" in crash for crash in run.crashes.texts)}
    assert failed == set(ROLES) - {"enrolment"}  # which hears nothing while everybody is of the park already

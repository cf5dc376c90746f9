"""Parks of two levels under faults in virtual time: what is promised holds above and in the group."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from actors.coordinator import Coordinator
from nodes.simulation.nest import random_nest
from nodes.simulation.nest_run import NestRun
from nodes.wiring import Roles
from park.load.subordinate import SubordinateEffect, TellAbove
from park.model.demand import CurrentSignalled
from park.model.electric import ZERO

FAULTY_MINUTES = 4.0


class Boaster(Coordinator):
    """A leader that always says its charge points draw nothing and fall to nothing."""

    def _perform(self, effect: SubordinateEffect) -> None:
        if isinstance(effect, TellAbove) and isinstance(effect.message, CurrentSignalled):
            effect = TellAbove(replace(effect.message, amps_ma=0, lapse_ma=0))
        super()._perform(effect)


@pytest.mark.parametrize("seed", range(1, 5))
def test_without_faults_both_levels_charge_and_the_group_has_more_than_its_fallback(seed: int):
    run = NestRun(seed, minutes=3.0)
    outcome = run.go(faulty=False)
    assert outcome.violations == ()
    assert outcome.crashes == ()
    assert all(energy > 0 for energy in outcome.charged_wh.values())
    assert max(outcome.most_ma) > max(run.plan.group.fallback_ma)


@pytest.mark.rule("B-084")
@pytest.mark.parametrize("seed", [*range(1, 4), *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 9)]])
def test_no_fault_of_either_level_breaks_a_promise(seed: int):
    """Networks, boards and both leaders fail; the clock of the group's leader is 5 % slow."""
    outcome = NestRun(seed, FAULTY_MINUTES).go()
    assert outcome.violations == ()
    assert outcome.crashes == ()
    assert outcome.most_ma > ZERO


def test_equal_seeds_are_equal_runs():
    one, two = NestRun(5, 1.5).go(), NestRun(5, 1.5).go()
    assert one == two


def test_a_leader_that_says_less_than_its_charge_points_may_draw_is_found():
    found = [
        each for seed in (1, 2) for each in NestRun(seed, FAULTY_MINUTES, Roles(coordinator=Boaster)).go().violations
    ]
    assert {each.invariant for each in found} >= {"S1"}


@pytest.mark.parametrize("seed", range(1, 100, 7))
def test_every_nest_that_is_drawn_may_start(seed: int):
    plan = random_nest(Random(seed))
    assert plan.group.node == plan.leader.node.name

"""The decision soak, a short one: random trees, mischief, and no promise broken; and it finds what is broken."""

from __future__ import annotations

from random import Random

import pytest

from park.load.admission import Request, Share
from park.load.fair.balance import Balance
from park.load.standing import Point
from park.load.startup import refusals
from park.model.electric import ZERO, PerPhase
from tools.load_soak.allocations import CheckedParts
from tools.load_soak.figures import CountedState, Figures
from tools.load_soak.mischief import Mischief
from tools.load_soak.run import DEEP_FROM, kind_of, run
from tools.load_soak.trees import DEEP, draw
from tools.load_soak.world import TreeBoards

SECONDS = 300.0
SEEDS = (0, 1, 2, 3, 5, 6)
SABOTAGED_SECONDS = 400.0


@pytest.mark.parametrize("seed", SEEDS)
def test_no_promise_is_broken_on_a_random_tree_under_faults(seed: int):
    figures, violations = run(seed, SECONDS)
    assert violations == ()
    assert figures.plans > 0
    assert figures.faults.total() > 0


def test_the_soak_spends_its_time_on_deep_trees_too():
    deep = [seed for seed in range(100) if kind_of(seed) is DEEP]
    assert len(deep) >= 30
    for seed in deep[:20]:
        park = draw(Random(seed), DEEP)
        assert park.depth >= DEEP_FROM
        assert len(park.placements) >= 50


@pytest.mark.parametrize("seed", range(0, 400, 13))
def test_every_tree_that_is_drawn_may_start(seed: int):
    park = draw(Random(seed), kind_of(seed))
    assert refusals(park.circuits, park.placements) == ()


def test_one_seed_is_one_run():
    (one, _), (again, _), (other, _) = (run(seed, 130.0) for seed in (3, 3, 4))
    assert (one.plans, one.grants, one.faults) == (again.plans, again.grants, again.faults)
    assert one.grants != other.grants


class Careless(CountedState):
    """Takes what others may still draw for nothing."""

    __slots__ = ()

    def summed_ma(self, each_ma: dict[Point, PerPhase]) -> list[PerPhase]:  # noqa: ARG002 - that is the mistake
        return [ZERO] * len(self.circuits)


def soaked(state: type[CountedState], seed: int) -> set[str]:
    """The promises that a coordinator with such a state breaks."""

    class Sabotaged(TreeBoards):
        def begun(self) -> CountedState:
            self._counted()
            return state(self.settings, self.now)

    park = draw(Random(seed), kind_of(seed))
    world = Sabotaged(park, seed, Figures())
    Mischief(world, park, seed)
    world.run(SABOTAGED_SECONDS)
    return {violation.invariant for violation in world.violations}


def test_raises_beside_what_others_may_still_draw_break_s1():
    assert "S1" in soaked(Careless, 3)
    assert soaked(CountedState, 3) == set()


def test_the_figures_of_many_runs_are_those_of_each():
    total = Figures()
    each = [run(seed, 130.0)[0] for seed in (3, 4)]
    for figures in each:
        total.add(figures)
    assert total.plans == sum(figures.plans for figures in each)
    assert total.longest_over == max(figures.longest_over for figures in each)
    assert any("allocation decisions" in line for line in total.lines())


LINES = (0, 1, 2, 3)


def told(shares: dict[str, Share], balances: tuple[Balance, ...] = ()) -> set[str]:
    """The promises that these shares of 40 A for two vehicles break."""
    broken: list[str] = []
    parts = CheckedParts(lambda invariant, _what, _how: broken.append(invariant), 1)
    requests = [Request(name, LINES if name == "a" else (0, 3), 6_000, 32_000) for name in shares]
    room = [40_000, 40_000, 40_000, 1_000_000]
    parts.look(requests, room, shares, balances)
    return set(broken)


@pytest.mark.parametrize(
    ("a", "b", "balances", "broken"),
    [
        (20_000, 20_000, (), set()),
        (20_000, 20_100, (), {"S1"}),
        (34_000, 6_000, (), {"S5"}),
        (5_000, 32_000, (), {"S5", "S10"}),
        (20_000, 19_700, (), {"S10"}),
        (20_000, 20_000, (Balance(0, 20_000),), set()),
        (19_000, 20_001, (Balance(0, 20_000),), {"S6"}),
        (19_000, 20_000, (Balance(0, 20_000, (1_000, 0, 0), (0, 0, 0)),), {"S6"}),
    ],
)
def test_an_allocation_that_breaks_a_promise_is_told(
    a: int, b: int, balances: tuple[Balance, ...], broken: set[str]
) -> None:
    assert told({"a": Share(a, None), "b": Share(b, None)}, balances) == broken


def test_shares_that_depend_on_the_order_are_told() -> None:
    broken: list[str] = []
    parts = CheckedParts(lambda invariant, _what, _how: broken.append(invariant), 1)
    requests = [Request(name, LINES, 6_000, 32_000) for name in "ab"]
    parts.turn(requests, [40_000] * 4, {"a": Share(20_000, 0), "b": Share(19_900, 0)}, ())
    assert broken == ["S7"]

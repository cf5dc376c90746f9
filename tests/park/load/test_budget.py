"""What a group holds on each phase, and which grants it takes."""

from __future__ import annotations

import math

import pytest

from park.load.budget import Budget
from park.load.group import GroupPlacement, GroupSettings, load_on, loads
from park.load.startup import refusals
from park.model.grant import Grant, Stamp
from tests.park.load.boards import each, grid

GROUP = "deck/garage"
SETTINGS = GroupSettings(GROUP, "boot1", (12_000, 12_000, 6_000), each(10_000))


def grant(
    phase: int, amps_ma: int, sequence: int, mono: float = 100.0, lapse_ma: int = 6_000, **changes: object
) -> Grant:
    described: dict[str, object] = {"epoch": 1, "server_id": "above", "stamp": Stamp("deck", "boot1", mono)}
    return Grant(
        load_on(GROUP, phase),
        amps_ma,
        (phase + 1,),
        sequence=sequence,
        valid_for=10.0,
        lapse_ma=lapse_ma,
        **(described | changes),  # type: ignore[arg-type]
    )


@pytest.mark.rule("B-084")
def test_without_a_grant_the_lower_of_both_fallbacks_holds_on_each_phase():
    assert Budget(SETTINGS, 100.0).allowed_ma(100.0) == (10_000, 10_000, 6_000)


def test_before_it_was_placed_a_group_has_nothing_and_then_what_is_counted_for_it():
    budget = Budget(GroupSettings(GROUP, "boot1", each(12_000)), 100.0)
    assert budget.allowed_ma(100.0) == (0, 0, 0)
    budget.place(1, 8_000)
    assert budget.allowed_ma(100.0) == (0, 8_000, 0)


@pytest.mark.rule("B-084")
def test_each_phase_has_its_own_budget_and_falls_to_its_own_lapse_current_at_its_end():
    budget = Budget(SETTINGS, 100.0)
    assert budget.take(grant(0, 20_000, 1), 101.0)
    assert budget.take(grant(2, 30_000, 2, mono=102.0, lapse_ma=0), 102.0)
    assert budget.allowed_ma(103.0) == (20_000, 10_000, 30_000)
    assert budget.ends(103.0) == 110.0
    assert budget.allowed_ma(110.0) == (6_000, 10_000, 30_000)
    assert budget.ends(110.0) == 112.0
    assert budget.allowed_ma(112.0) == (6_000, 10_000, 0)
    assert budget.ends(112.0) == math.inf


def test_what_counts_above_at_any_time_is_never_taken_away_by_less():
    budget = Budget(SETTINGS, 100.0)
    budget.take(grant(0, 0, 1, lapse_ma=6_000), 101.0)
    assert budget.allowed_ma(102.0)[0] == 6_000
    assert budget.ends(102.0) == math.inf


def test_a_lower_placement_holds_at_once():
    budget = Budget(SETTINGS, 100.0)
    budget.take(grant(0, 20_000, 1, lapse_ma=10_000), 101.0)
    budget.place(0, 6_000)
    assert budget.lapse_ma()[0] == 6_000
    assert budget.allowed_ma(102.0)[0] == 20_000


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(grant(0, 30_000, 4), id="older in sequence"),
        pytest.param(grant(0, 30_000, 9, epoch=0), id="older epoch"),
        pytest.param(grant(0, 30_000, 9, server_id="another"), id="another server in the same epoch"),
        pytest.param(grant(0, 30_000, 9, mono=80.0), id="ran out before it came"),
        pytest.param(grant(0, 30_000, 9, mono=99.0), id="of the life before"),
        pytest.param(grant(0, 30_000, 9, stamp=Stamp("deck", "boot0", 100.0)), id="of an earlier boot"),
        pytest.param(grant(0, 30_000, 9, mono=math.nan), id="no time at all"),
    ],
)
def test_grants_that_are_not_taken_change_nothing(late: Grant):
    budget = Budget(SETTINGS, 99.5)
    budget.take(grant(0, 20_000, 5), 101.0)
    assert not budget.take(late, 102.0)
    assert budget.allowed_ma(102.0)[0] == 20_000
    assert budget.fence(0) == (1, 5)


def test_a_group_is_three_loads_of_one_phase_that_a_park_can_place():
    group = GroupPlacement(GROUP, "grid", each(12_000), (40_000, 40_000, 5_000), weight=4)
    found = loads(group)
    assert [(each.charge_point, each.grid_phases(1)) for each in found] == [
        ("deck/garage.L1", (1,)),
        ("deck/garage.L2", (2,)),
    ]  # 5 A on L3 are no use to a vehicle
    assert not refusals([grid()], found)

"""The fast way to share, held against the straightforward one (`slow`): the same currents, whatever the park."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.crowds import Crowd, Kind, crowd
from park.load.admission import Request, Share
from park.load.allocate import Allocation, allocate
from park.load.circuit import FREE_MA
from park.load.fair.balance import Balance
from tests.park.load.fair.test_filling import trees
from tests.park.load.slow.allocate import allocate as allocate_slowly

TIGHT = Kind(rotated=False, stations_too=True, levels=4)
KINDS = [Kind(), Kind(rotated=False), TIGHT, Kind(balanced=False, watts=False), Kind(stations_too=True, classes=3)]
SINCE = st.one_of(st.none(), st.integers(0, 9).map(float))


def assert_the_same(park: Crowd, ours: dict[str, Share]):
    """Currents to the mA, and why somebody gets nothing; without balances, also what stopped everybody else.

    With them, where several rows are full at once, another of them may be told.
    """
    theirs = allocate_slowly(*park)
    assert {name: share.amps_ma for name, share in ours.items()} == {n: share.amps_ma for n, share in theirs.items()}
    for name, share in theirs.items():
        if not share.amps_ma or not park.balances:
            assert ours[name] == share


@st.composite
def waiting(draw: st.DrawFn, park: Crowd) -> Crowd:
    """The same park with vehicles that charge, have turns, or were shed."""
    state = st.tuples(SINCE, st.sampled_from([0, 0, 1]), st.sampled_from([0, 0, 0, 500]))
    states = draw(st.lists(state, min_size=len(park.requests), max_size=len(park.requests)))
    requests = [
        request._replace(charging_since=since, turn=turn, margin_ma=margin)
        for request, (since, turn, margin) in zip(park.requests, states, strict=True)
    ]
    return park._replace(requests=requests)


@settings(deadline=None, max_examples=150)
@given(trees(most_cars=60).flatmap(waiting))
def test_s6_s7_any_tree(park: Crowd):
    assert_the_same(park, allocate(*park))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_parks_of_100(kind: Kind):
    for seed in range(10):
        park = crowd(seed, 100, kind)
        assert_the_same(park, allocate(*park))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_park_of_1000(kind: Kind):
    park = crowd(7, 1_000, kind)
    assert_the_same(park, allocate(*park))


def alike_park(seed: int) -> Crowd:
    """Round numbers and two stations that are the same, so that many rows are full at once."""
    draws = random.Random(seed)
    requests: list[Request] = []
    for number in range(14):
        station, phases = draws.choice((1, 2)), draws.choice(((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)))
        lines = tuple([circuit * 4 + place for circuit in (station, 0) for place in (*phases, 3)])
        requests.append(Request(f"cp{number:02}", lines, 6_000, draws.choice((16_000, 32_000))))
    grid, station = draws.choice((40_000, 60_000)), [30_000] * 3
    room = [grid, grid, grid, FREE_MA, *station, FREE_MA, *station, draws.choice((60_000, FREE_MA))]
    return Crowd(requests, room, [Balance(0, draws.choice((0, 5_000, 10_000)))])


@pytest.mark.parametrize("seed", range(160, 180))
def test_s7_of_rows_that_are_full_at_once_the_same_one_is_told_whatever_the_order(seed: int):
    park = alike_park(seed)
    for order in range(4):
        mixed = park.requests.copy()
        random.Random(order).shuffle(mixed)
        assert allocate(mixed, park.room, park.balances) == allocate(*park)


def assert_nothing_sticks(park: Crowd, changes: list[int]):
    """Other room, other limits of imbalance, other vehicles, and all of that as it was before."""
    allocation = Allocation()
    for change in [0, *changes, 0]:
        room = [free + change for free in park.room]
        balances = park.balances[1:] if change % 3 == 1 else park.balances
        requests = park.requests[: 1 + abs(change) % 7] if change % 5 == 1 else park.requests
        assert allocation.allocate(requests, room, balances) == allocate(requests, room, balances)


@settings(deadline=None, max_examples=60)
@given(trees(most_cars=40), st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=4))
def test_what_is_remembered_of_vehicles_changes_nothing(park: Crowd, changes: list[int]):
    assert_nothing_sticks(park, changes)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_remembered_changes_nothing_where_lower_classes_help_higher_ones(seed: int):
    park = crowd(seed, 60, Kind(rotated=False, stations_too=True, levels=4, classes=2))
    assert_nothing_sticks(park, [3_000, -2_000, 7, 11])


def test_a_vehicle_that_comes_is_not_overlooked():
    allocation, free = Allocation(), [40_000] * 4
    one, other = (Request(name, (0, 1, 2), 6_000, 32_000) for name in "ab")
    assert allocation.allocate([one], free) == {"a": Share(32_000, None)}
    assert allocation.allocate([one, other], free) == {"a": Share(20_000, 0), "b": Share(20_000, 0)}
    assert allocation.allocate([other], free) == {"b": Share(32_000, None)}

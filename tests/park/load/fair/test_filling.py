"""Exact fairness, beside an oracle of linear programs that shares nothing with ours."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.crowds import Crowd, Kind, crowd
from benchmarks.exactness import off_ma, over_ma
from benchmarks.exactness import shares as shares_of
from benchmarks.linear import Program
from park.load.admission import Request
from park.load.allocate import allocate
from park.load.circuit import FREE_MA
from park.load.fair.balance import Balance
from park.load.fair.columns import PAIRS, Climber, Spread, pulls
from park.load.fair.filling import raise_together

L1, L2, L3, POWER = 0, 1, 2, 3
ALL = (L1, L2, L3, POWER)


def climber(*lines: int, least: int = 6, most: int = 32, weight: int = 1, priority: int = 0) -> Climber:
    return Climber((*lines, POWER), least * 1000, most * 1000, weight, priority)


def spread(amps: int, climbers: list[Climber]) -> list[Spread]:
    """All pairs of the one circuit, with the floors of the climbers taken."""
    on = [sum(each.floor_ma for each in climbers if phase in each.lines) for phase in (L1, L2, L3)]
    return [Spread(over, under, amps * 1000 - on[over] + on[under]) for over, under in PAIRS]


@pytest.mark.rule("B-091")
@pytest.mark.parametrize(
    ("what", "climbers", "limit", "watts_as_amps", "allowed", "expected"),
    [
        (
            "a stop by imbalance is not final: when the others rise, so does the phase that waits for them",
            [climber(L1), climber(L1), climber(L2), climber(L3)], 1000, 1000, 20, [26, 26, 32, 32],
        ),
        ("one empty phase holds the others", [climber(L1), climber(L2)], 1000, 1000, 20, [20, 20]),
        ("three-phase vehicles tilt nothing", [climber(*ALL[:3]), climber(L1)], 1000, 1000, 10, [32, 10]),
        (
            "a two-phase vehicle is balanced by the third phase",
            [climber(L1, L2), climber(L3, most=10)], 1000, 1000, 20, [30, 10],
        ),
        ("a limit in watts counts every phase", [climber(*ALL[:3]), climber(L1)], 1000, 40, 100, [10, 10]),
        ("weights", [climber(L1, weight=2), climber(L1)], 30, 1000, 100, [20, 10]),
        ("a higher class first", [climber(L1, priority=1), climber(L1)], 40, 1000, 100, [32, 8]),
        (
            "a lower class helps a higher one to its balance",
            [climber(L1, priority=1), climber(L2), climber(L3)], 1000, 1000, 4, [32, 32, 32],
        ),
    ],
)  # fmt: skip
def test_shares(what: str, climbers: list[Climber], limit: int, watts_as_amps: int, allowed: int, expected: list[int]):
    room = [limit * 1000] * 3 + [watts_as_amps * 1000]
    for each in climbers:
        for line, pull in pulls(each.lines).items():
            room[line] -= pull * each.floor_ma
    stops = raise_together(climbers, room, spread(allowed, climbers))
    assert [round(reached / 1000, 3) for reached, _ in stops] == expected, what


def test_a_stop_names_its_row():
    climbers = [climber(L1, most=50), climber(L2, most=10), climber(L3, most=20)]
    stops = raise_together(climbers, [20_000, 90_000, 90_000, FREE_MA], spread(20, climbers))
    assert [stop for _, stop in stops] == [L1, None, None]
    stops = raise_together(climbers, [90_000, 90_000, 90_000, FREE_MA], spread(20, climbers))
    over, under, *_ = spread(20, climbers)[(stops[0][1] or 0) - 4]
    assert (over, under) == (L1, L2)


def assert_exact(park: Crowd):
    assert off_ma(park) <= 1


def assert_within_all_limits(park: Crowd):
    assert over_ma(park) < 1e-3


@pytest.mark.parametrize("kind", [Kind(), Kind(rotated=False, stations_too=True, levels=4, classes=2)], ids=str)
def test_s6_s1_equal_to_the_oracle_on_parks_of_12(kind: Kind):
    for seed in range(40):
        assert_exact(crowd(seed, 12, kind))
        assert_within_all_limits(crowd(seed, 12, kind))


@pytest.mark.parametrize("kind", [Kind(), Kind(rotated=False, stations_too=True, levels=4)], ids=str)
def test_s6_s1_equal_to_the_oracle_on_parks_of_100(kind: Kind):
    for seed in range(8):
        assert_exact(crowd(seed, 100, kind))
        assert_within_all_limits(crowd(seed, 100, kind))


def test_equal_to_the_oracle_on_a_park_of_1000():
    assert_within_all_limits(crowd(3, 1000, Kind(rotated=False)))


cars = st.tuples(
    st.integers(0, 10**6),
    st.sampled_from([(1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)]),
    st.sampled_from([6_000, 6_000, 6_000, 8_000, 10_000]),
    st.integers(0, 300).map(lambda steps: steps * 100),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.sampled_from([0, 0, 1]),
    st.sampled_from([1, 100, 1_000]),
    st.sampled_from([False, False, True]),
)


@st.composite
def trees(draw: st.DrawFn, most_cars: int, depth: int = 5) -> Crowd:
    """Any tree of circuits, any limits, any cars."""
    levels = [0]
    parents: list[int | None] = [None]
    for _ in range(draw(st.integers(0, 8))):
        parent = draw(st.sampled_from([number for number, level in enumerate(levels) if level < depth - 1]))
        parents.append(parent)
        levels.append(levels[parent] + 1)
    count = len(parents)
    room: list[int] = []
    balances = []
    for number in range(count):
        room += draw(st.lists(st.integers(-5_000, 150_000), min_size=3, max_size=3))
        room.append(draw(st.sampled_from([FREE_MA, FREE_MA, 30_000, 90_000, 200_000])))
        if draw(st.booleans()):
            few = st.tuples(*[st.integers(0, 9_000)] * 3)
            balances.append((number, draw(st.sampled_from([0, 5_000, 10_000, 20_000])), draw(few), (0, 0, 0)))
    requests = []
    for number, (place, phases, smallest, span, weight, priority, step, adrift) in enumerate(
        draw(st.lists(cars, min_size=1, max_size=most_cars))
    ):
        path: list[int] = []
        here: int | None = place % count
        while here is not None:
            path.append(here)
            here = parents[here]
        lines = tuple(circuit * 4 + offset for circuit in path for offset in (*(phase - 1 for phase in phases), 3))
        least = -(-smallest // step) * step
        most = least + span - span % step
        request = Request(f"cp{number}", lines, least, most, None, number % 7, 0, priority, weight, step)
        requests.append(request._replace(adrift=adrift and len(phases) == 3))
    return Crowd(requests, room, [Balance(*each) for each in balances])


@settings(deadline=None, max_examples=150)
@given(trees(most_cars=14))
def test_equal_to_the_oracle_on_any_tree(park: Crowd):
    assert_exact(park)


@settings(deadline=None, max_examples=40)
@given(trees(most_cars=200), st.randoms(use_true_random=False))
def test_s7_s10_any_tree(park: Crowd, shuffler: random.Random):
    """No limit is exceeded, the order is irrelevant, and who has less than it could take is stopped by something."""
    assert_within_all_limits(park)
    shares = allocate(*park)
    mixed = list(park.requests)
    shuffler.shuffle(mixed)
    assert allocate(mixed, park.room, park.balances) == shares
    for request in park.requests:
        share = shares[request.charge_point]
        assert share.amps_ma == 0 or request.minimum_ma <= share.amps_ma <= request.maximum_ma
        assert share.amps_ma % request.resolution_ma == 0 or share.amps_ma == request.minimum_ma
        assert share.line is not None or share.amps_ma == request.maximum_ma or request.maximum_ma < request.minimum_ma


@pytest.mark.parametrize("kind", [Kind(), Kind(rotated=False, stations_too=True, levels=4)], ids=str)
def test_who_has_less_than_its_maximum_is_told_why(kind: Kind):
    """Also where a limit in watts is full, but only together with a difference of phases."""
    for seed in range(20):
        park = crowd(seed, 12, kind)
        shares = allocate(*park)
        for request in park.requests:
            share = shares[request.charge_point]
            assert share.line is not None or share.amps_ma == request.maximum_ma


@settings(deadline=None, max_examples=60)
@given(trees(most_cars=40))
def test_s10_nobody_could_have_a_step_more_beside_the_others_exact_shares(park: Crowd):
    """One more mA for anybody overdraws a line, or tilts a circuit, or takes from somebody who has no more."""
    requests, reached = shares_of(park)
    if not requests:
        return
    program = Program(requests, park.room, park.balances)
    left = program.free - program.rows @ (reached_amps := [value / 1000 for value in reached])
    columns = program.rows.tocsc()
    for number, request in enumerate(requests):
        if reached[number] < request.maximum_ma - 1:
            column = columns[:, [number]].toarray().ravel()
            assert any(left[row] < 2e-3 * column[row] for row in column.nonzero()[0] if column[row] > 0), reached_amps

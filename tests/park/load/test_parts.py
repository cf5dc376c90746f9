"""What is remembered of the time before changes no share: always the same as sharing out everything anew."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.crowds import Kind, crowd
from park.load.admission import Request, Share
from park.load.allocate import allocate
from park.load.circuit import FREE_MA
from park.load.parts import Parts
from tests.park.load.fair.test_filling import Crowd, trees

GRID, LEFT, RIGHT = 0, 4, 8
WIDE = [FREE_MA] * 4


def car(name: str, row: int, **changes: int) -> Request:
    return Request(name, (row, row + 3, GRID, GRID + 3), 6_000, 32_000)._replace(**changes)


def anew(now: dict[str, Share], before: dict[str, Share]) -> list[str]:
    """Who was shared out again: what was found once is kept as it is."""
    return [name for name, share in sorted(now.items()) if share is not before.get(name)]


def test_a_row_below_a_wide_connection_is_shared_out_alone():
    parts = Parts()
    cars = [car("a", LEFT), car("b", LEFT), car("c", RIGHT)]
    room = [*WIDE, 40_000, 0, 0, FREE_MA, 25_000, 0, 0, FREE_MA]
    first = parts.allocate(cars, room)
    assert {name: share.amps_ma for name, share in first.items()} == {"a": 20_000, "b": 20_000, "c": 25_000}
    assert anew(parts.allocate(cars, room), first) == []
    cars[2] = car("c", RIGHT, maximum_ma=10_000)
    second = parts.allocate(cars, room)
    assert second["c"] == Share(10_000, None)
    room[LEFT] = 30_000
    third = parts.allocate(cars, room)
    assert third["a"] == Share(15_000, LEFT)
    assert (anew(second, first), anew(third, second)) == (["c"], ["a", "b"])


def test_a_connection_that_could_bind_makes_its_rows_one_part():
    parts = Parts()
    cars = [car("a", LEFT), car("b", LEFT), car("c", RIGHT)]
    room = [60_000, 0, 0, FREE_MA, 40_000, 0, 0, FREE_MA, 25_000, 0, 0, FREE_MA]
    first = parts.allocate(cars, room)
    assert first["c"] == Share(20_000, GRID)
    room[LEFT] = 39_000
    assert parts.allocate(cars, room) == allocate(cars, room)
    assert anew(parts.allocate(cars, room), first) == ["a", "b", "c"]


def test_what_is_no_tree_is_shared_out_as_a_whole():
    requests = [Request("a", (4, 0), 6_000, 32_000), Request("b", (4, 8), 6_000, 32_000)]
    room = [*WIDE, 20_000, 0, 0, 0, *WIDE]
    assert Parts().allocate(requests, room) == allocate(requests, room)


def test_nobody_at_all():
    assert Parts().allocate([], [0] * 4) == {}


changes = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from([0, 8_000, 32_000]),
        st.sampled_from([-1, 0, 50, 100, 300]),
        st.booleans(),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=120)
@given(trees(most_cars=40), changes)
def test_s7_equal_to_sharing_out_everything_on_any_tree(park: Crowd, happenings: list[tuple[int, int, int, bool]]):
    parts, requests, room = Parts(), list(park.requests), list(park.room)
    assert parts.allocate(requests, room) == allocate(requests, room)
    for number, most, percent, leaves in happenings:
        one = number % len(requests)
        if leaves and len(requests) > 1:
            requests.pop(one)
        else:
            requests[one] = requests[one]._replace(maximum_ma=most, margin_ma=number % 2 * 500)
        line = number % len(room)
        room[line] = park.room[line] * percent // 100
        assert parts.allocate(requests, room) == allocate(requests, room)
        assert parts.allocate(requests, room, park.balances) == allocate(requests, room, park.balances)


@pytest.mark.parametrize("wide", [1, 3])
@pytest.mark.parametrize("levels", [2, 3, 4])
def test_s7_equal_to_sharing_out_everything_in_parks_of_150(levels: int, wide: int):
    for seed in range(4):
        park, draws = crowd(seed, 150, Kind(levels=levels, balanced=False, stations_too=True)), random.Random(seed)
        parts, requests = Parts(), list(park.requests)
        room = [free * (wide if line < 20 else 1) for line, free in enumerate(park.room)]
        for _ in range(10):
            one = draws.randrange(len(requests))
            requests[one] = requests[one]._replace(maximum_ma=draws.choice((0, 9_000, 32_000)))
            line = draws.randrange(len(room))
            room[line] = int(park.room[line] * draws.choice((0, 0.5, 1, 4)))
            assert parts.allocate(requests, room) == allocate(requests, room)

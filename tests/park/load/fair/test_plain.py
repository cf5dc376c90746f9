"""Where no difference of phases is limited: the same as the solver that can do all, current and reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from benchmarks.crowds import Kind, crowd
from park.load.fair.columns import Climber, pulls
from park.load.fair.plain import raise_plain
from tests.park.load.fair.test_filling import Crowd, trees
from tests.park.load.slow.filling import fill


def climbers(park: Crowd) -> tuple[list[Climber], list[int]]:
    """All of them at their minimum, and the room that leaves; where there is too little, just enough for the minima."""
    found = [
        Climber(each.lines, each.minimum_ma, max(each.minimum_ma, each.maximum_ma), each.weight, each.priority)
        for each in park.requests
    ]
    room = list(park.room)
    for each in found:
        for line, pull in pulls(each.lines).items():
            room[line] -= pull * each.floor_ma
    return found, [max(0, free) for free in room]


def assert_equal_to_the_general_solver(park: Crowd):
    risers, room = climbers(park)
    for (ours, stop), (theirs, other) in zip(raise_plain(risers, room), fill(risers, room), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
        assert stop == other


@settings(deadline=None, max_examples=150)
@given(trees(most_cars=60))
def test_equal_to_the_general_solver_on_any_tree(park: Crowd):
    assert_equal_to_the_general_solver(park)


@pytest.mark.parametrize("kind", [Kind(balanced=False), Kind(balanced=False, levels=4, classes=3)], ids=str)
def test_equal_to_the_general_solver_on_parks_of_300(kind: Kind):
    for seed in range(6):
        assert_equal_to_the_general_solver(crowd(seed, 300, kind))


def test_a_line_that_could_just_be_filled_stops_nobody():
    assert raise_plain([Climber((0,), 6_000, 32_000)], [26_000]) == [(32_000, None)]
    assert raise_plain([Climber((0,), 6_000, 32_000)], [25_999]) == [(31_999.0, 0)]

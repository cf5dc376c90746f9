"""Whom only the balance is against: asked when it can come, and not before."""

from __future__ import annotations

from park.load.fair.hopes import Hope, hopeful

NEEDED_MA = 6_000


def hope(number: int, *tips: int, line: int = 0) -> Hope:
    return number, [(line, 1)], tips, NEEDED_MA


def test_only_those_are_asked_who_can_come_or_find_no_room():
    room, free = [32_000, 5_999], [5_999, 6_000]
    asked: list[int] = []
    left = hopeful([hope(1, 0), hope(2, 1), hope(3, 0, line=1), hope(4, 1, 0)], room, free, asked.append)
    assert asked == [2, 3]
    assert [number for number, *_ in left] == [1, 4]


def test_one_who_came_lets_those_before_it_come_too():
    room, free = [32_000], [0, NEEDED_MA]
    asked: list[int] = []

    def come(number: int) -> None:
        asked.append(number)
        free[0] += NEEDED_MA  # the second makes smaller what was against the first
        free[1] -= NEEDED_MA

    assert list(hopeful([hope(1, 0), hope(2, 1)], room, free, come)) == []
    assert asked == [2, 1]

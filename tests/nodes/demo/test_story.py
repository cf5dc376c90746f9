"""The story of the demo: only what can happen at a plug, in order, and early what a viewer came to see."""

from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.demo.layout import DOOR, LARGEST_PARK, park, reader
from nodes.demo.story import Arrive, HouseDraws, Leave, ShowCard, in_words, story

HOUR = 3600.0


def played(count: int = 6, seed: int = 1, until: float = HOUR, clients: int = 0):
    return list(takewhile(lambda timed: timed[0] < until, story(park("demo", clients, count), seed)))


@given(seed=st.integers(0, 10_000), count=st.integers(3, 12))
def test_it_goes_forward_and_plugs_only_where_no_car_is(seed: int, count: int):
    moves = played(count, seed, until=600)
    plugged = set()
    for _, move in moves:
        if isinstance(move, Arrive):
            assert move.charge_point not in plugged
            plugged.add(move.charge_point)
        elif isinstance(move, Leave):
            plugged.remove(move.charge_point)

    assert [at for at, _ in moves] == sorted(at for at, _ in moves)


@given(seed=st.integers(0, 10_000), count=st.integers(3, 12))
def test_every_car_has_a_card_of_its_own(seed: int, count: int):
    cards = {}
    for _, move in played(count, seed, until=600):
        if isinstance(move, ShowCard):
            cards.setdefault(move.charge_point, []).append(move.id_tag)
    for shown in cards.values():
        assert all(shown.count(tag) <= 2 for tag in shown)


@given(seed=st.integers(0, 10_000))
def test_the_door_is_used_only_where_the_car_that_is_meant_came_last(seed: int):
    moves = played(3, seed, until=600, clients=2)
    plugged = {}
    for at, move in moves:
        if isinstance(move, Arrive):
            plugged[move.charge_point] = at
        elif isinstance(move, Leave):
            del plugged[move.charge_point]
        elif isinstance(move, ShowCard):
            assert move.reader in {DOOR, reader(move.charge_point)}
            assert move.reader != DOOR or move.charge_point in plugged


def test_with_boards_the_first_card_is_shown_at_the_door_and_later_ones_here_and_there():
    cards = [move for _, move in played(3, until=120, clients=2) if isinstance(move, ShowCard)]

    assert (cards[0].charge_point, cards[0].reader) == ("cp1", DOOR)
    assert {card.reader == DOOR for card in cards} == {True, False}
    assert not any(move.reader == DOOR for _, move in played() if isinstance(move, ShowCard)), "no door alone"


@pytest.mark.parametrize("count", [3, 6, LARGEST_PARK])
def test_three_cars_come_at_once_and_the_first_is_gone_within_twenty_seconds(count: int):
    moves = played(count, until=20)
    arrived = [move.charge_point for at, move in moves if isinstance(move, Arrive) and at < 6]
    (gone,) = [move for at, move in moves if isinstance(move, Leave)]

    assert arrived[:3] == ["cp1", "cp2", "cp3"]
    assert gone.charge_point == "cp1"
    assert len([move for _, move in moves if isinstance(move, HouseDraws)]) == 2


def test_the_same_seed_is_the_same_story():
    assert played(seed=7) == played(seed=7)
    assert played(seed=7) != played(seed=8)


def test_everything_that_happens_can_be_told():
    told = {type(move): in_words(move) for _, move in played()}

    assert set(told) == {Arrive, Leave, ShowCard, HouseDraws}
    assert not any("04" in text for text in (told[ShowCard],)), "no id tag is shown"

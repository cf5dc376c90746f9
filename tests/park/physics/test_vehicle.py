"""Cars on the pilot: tables of what they draw, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.physics.vehicle import (
    REACTION_SECONDS,
    SLOW_REACTION_SECONDS,
    STOP_SECONDS,
    Behaviour,
    Vehicle,
    VehicleSpec,
)


def settled(spec: VehicleSpec, offered_ma: int) -> Vehicle:
    car = Vehicle(spec)
    car.see(offered_ma, 0.0)
    car.settle(10.0)
    return car


@pytest.mark.parametrize(
    ("behaviour", "offered_ma", "ready", "demand_ma"),
    [
        (Behaviour.NORMAL, 0, False, 0),
        (Behaviour.NORMAL, 6_000, True, 6_000),
        (Behaviour.NORMAL, 10_500, True, 10_500),
        (Behaviour.NORMAL, 32_000, True, 16_000),
        (Behaviour.SLOW, 10_000, True, 10_000),
        (Behaviour.GREEDY, 10_000, True, 10_800),
        (Behaviour.GREEDY, 32_000, True, 16_000),
        (Behaviour.TAPER, 32_000, True, 16_000),
        (Behaviour.FULL, 32_000, False, 0),
        (Behaviour.IGNORES, 0, False, 0),
        (Behaviour.IGNORES, 6_000, True, 16_000),
    ],
)
def test_what_a_car_draws(behaviour: Behaviour, offered_ma: int, ready: bool, demand_ma: int):
    car = settled(VehicleSpec(maximum_ma=16_000, behaviour=behaviour), offered_ma)
    assert (car.ready, car.demand_ma) == (ready, demand_ma)


def test_a_car_with_a_higher_minimum_waits_in_b():
    assert not settled(VehicleSpec(minimum_ma=10_000), 9_900).ready
    assert settled(VehicleSpec(minimum_ma=10_000), 10_000).ready


def test_one_that_ignores_keeps_drawing_when_the_pilot_goes_steady():
    car = settled(VehicleSpec(behaviour=Behaviour.IGNORES), 6_000)
    car.see(0, 10.0)
    car.settle(20.0)
    assert (car.ready, car.demand_ma) == (True, 32_000)


def test_one_that_sleeps_wants_nothing_until_it_is_woken():
    car = settled(VehicleSpec(behaviour=Behaviour.ASLEEP), 16_000)
    assert (car.ready, car.demand_ma) == (False, 0)
    car.wake()
    car.settle(20.0)
    assert (car.ready, car.demand_ma) == (True, 16_000)


@pytest.mark.parametrize(
    ("behaviour", "raise_after", "stop_after"),
    [
        (Behaviour.NORMAL, REACTION_SECONDS, REACTION_SECONDS),
        (Behaviour.SLOW, SLOW_REACTION_SECONDS, STOP_SECONDS),
    ],
)
def test_reaction_times(behaviour: Behaviour, raise_after: float, stop_after: float):
    car = Vehicle(VehicleSpec(behaviour=behaviour))
    car.see(8_000, 100.0)
    assert car.next_change() == 100.0 + raise_after
    car.settle(100.0 + raise_after)
    car.see(0, 200.0)
    assert car.next_change() == 200.0 + stop_after


def test_a_stop_overtakes_a_raise_not_yet_followed():
    car = settled(VehicleSpec(behaviour=Behaviour.SLOW), 6_000)
    car.see(16_000, 20.0)
    car.see(0, 21.0)
    car.settle(24.0)
    assert not car.ready
    car.settle(60.0)
    assert not car.ready


@given(offers=st.lists(st.tuples(st.floats(0.1, 20), st.integers(0, 80_000)), min_size=1, max_size=12))
def test_what_it_draws_was_offered_within_the_last_five_seconds(offers: list[tuple[float, int]]):
    """The reaction time of IEC 61851-1 A.3, on which every accounting of committed current rests."""
    car = Vehicle(VehicleSpec(behaviour=Behaviour.SLOW))
    mono, seen = 0.0, [(0.0, 0)]
    for wait, amps_ma in offers:
        while car.next_change() <= mono + wait:
            at = car.next_change()
            recent = max(a for i, (_, a) in enumerate(seen) if _ends(seen, i) >= at - 5.0)
            assert car.demand_ma <= recent, "until now"
            car.settle(at)
            assert car.demand_ma <= recent, "from now on"
        mono += wait
        car.see(amps_ma, mono)
        seen.append((mono, amps_ma))


def _ends(seen: list[tuple[float, int]], index: int) -> float:
    """Until when the offer held."""
    return seen[index + 1][0] if index + 1 < len(seen) else float("inf")


def test_taper_falls_by_stairs_to_the_minimum_and_ends_full():
    car = settled(VehicleSpec(energy_wh=1_000.0, maximum_ma=32_000, behaviour=Behaviour.TAPER), 32_000)
    currents = []
    while car.ready:
        currents.append(car.demand_ma)
        car.received_wh += car.energy_to_change()
        car.settle(20.0)
    assert currents[0] == 32_000
    assert currents == sorted(currents, reverse=True)
    assert len(set(currents)) > 5
    assert currents[-1] == 6_000
    assert car.received_wh == pytest.approx(1_000.0, abs=1e-5)
    assert car.demand_ma == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: VehicleSpec(phases=4), "1, 2 or 3 phases"),
        (lambda: VehicleSpec(maximum_ma=5_000), "minimum current 6 A"),
        (lambda: VehicleSpec(minimum_ma=3_000), "minimum current 3 A"),
        (lambda: VehicleSpec(energy_wh=float("nan")), "energy nan Wh"),
        (lambda: VehicleSpec(energy_wh=-1.0), "energy -1.0 Wh"),
    ],
)
def test_cars_that_cannot_exist(make: Callable[[], VehicleSpec], words: str):
    with pytest.raises(ValueError, match=words):
        make()

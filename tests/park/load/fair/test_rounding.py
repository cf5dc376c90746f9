"""Steps given up until no phase carries too much: who has most gives first, nobody goes below its minimum."""

from __future__ import annotations

import pytest

from park.load.admission import Request
from park.load.fair.balance import Balance, Scales
from park.load.fair.rounding import level_again
from park.model.electric import ZERO, PerPhase

L1, L2, L3 = 0, 1, 2
MINIMUM_MA = 6_000


def car(name: str, *phases: int, weight: int = 1, priority: int = 0, step: int = 1_000) -> Request:
    return Request(name, phases, MINIMUM_MA, 32_000, weight=weight, priority=priority, resolution_ma=step)


def level(cars: list[Request], amps: list[float], limit_amps: float, most_ma: PerPhase = ZERO) -> list[float]:
    """The currents afterwards, in amperes."""
    scales = Scales([Balance(0, int(1_000 * limit_amps), most_ma)])
    currents = [int(1_000 * each) for each in amps]
    for each, current in zip(cars, currents, strict=True):
        scales.put(each.lines, current)
    level_again(cars, currents, scales)
    return [current / 1_000 for current in currents]


@pytest.mark.parametrize(
    ("what", "cars", "amps", "limit", "expected"),
    [
        ("level already", [car("a", L1), car("b", L1)], [14, 10], 24, [14, 10]),
        ("who has most gives first", [car("b", L1), car("a", L1)], [10, 20], 26, [10, 16]),
        ("then all alike", [car("a", L1), car("b", L1)], [20, 15], 24, [12, 12]),
        ("by the unit of weight", [car("a", L1, weight=2), car("b", L1)], [20, 12], 30, [20, 10]),
        ("and again after each step", [car("a", L1, weight=2), car("b", L1)], [22, 10], 28, [19, 9]),
        ("a lower class before a higher", [car("a", L1, priority=1), car("b", L1)], [20, 10], 26, [20, 6]),
        ("then the higher too", [car("a", L1, priority=1), car("b", L1)], [20, 10], 25, [19, 6]),
        ("steps of the hardware", [car("a", L1, step=100), car("z", L2, L3)], [20, 6], 13.9, [19.9, 6]),
        ("no step below the minimum", [car("a", L1), car("b", L1)], [6.4, 6.8], 12.5, [6.4, 6]),
        ("only who is not on both", [car("a", L1), car("b", L1, L2), car("z", L3)], [10, 20, 20], 8, [8, 20, 20]),
        ("no further than needed", [car("a", L1), car("z", L2, L3)], [20, 6], 13.5, [19, 6]),
    ],
)
def test_levelled(what: str, cars: list[Request], amps: list[float], limit: float, expected: list[float]):
    assert level(cars, amps, limit) == pytest.approx(expected), what


def test_what_one_gives_may_tilt_another_phase_which_then_gives_too():
    """C loads L1 and L3: less of it is too little on L3 beside L2, and so on."""
    cars = [car("b", L2), car("c", L1, L3), car("d", L1, weight=2)]
    assert level(cars, [20, 12, 17], 8) == [19, 11, 8]


@pytest.mark.parametrize(("amps", "left"), [(6, 6), (8, 6), (6.5, 6)])
def test_where_nobody_can_give_enough_it_ends_at_the_minima(amps: float, left: float):
    assert level([car("a", L1)], [amps], 5, most_ma=(10_000, 0, 0)) == [left]

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import pytest

from park.load.circuit import Circuit
from park.load.external import ExternalLoad
from park.load.hold import PeakHold
from park.model.electric import ZERO, PerPhase
from park.model.metering import Quality, ReadingTaken, Sample
from tests.park.load.boards import each

WALL = datetime(2026, 1, 1, tzinfo=UTC)


class Car:
    """A charge point as the meter sees it: what its own meter read, and what it is granted. `silent`: its board."""

    def __init__(self, granted: int, *readings: tuple[float, int], silent: bool = False) -> None:
        self.granted = granted
        self.silent = silent
        self.readings: deque[tuple[float, PerPhase]] = deque(((at, (ma, ma, ma)) for at, ma in readings), maxlen=4)

    def unheard_ma(self, now: float) -> PerPhase:
        return self.may_draw_ma(now) if self.silent else ZERO

    def may_draw_ma(self, now: float) -> PerPhase:  # noqa: ARG002 — the protocol's
        return (self.granted, self.granted, self.granted)


def meter(at: float, current: int, quality: Quality = Quality.FRESH) -> ReadingTaken:
    return ReadingTaken("m", quality, Sample((current, current, current), 0, 0), None, at, WALL)


def load(*cars: Car, **changes: object) -> ExternalLoad:
    circuit = Circuit("grid", each(63_000), meter="m", external_fallback_ma=each(20_000), **changes)  # type: ignore[arg-type]
    external = ExternalLoad(circuit, cars)
    external.planned, external.possible_ma = PeakHold(each(1_000)), each(0)
    return external


@pytest.mark.rule("B-088", "B-405")
def test_an_in_line_meter_counts_less_what_our_own_meters_read():
    external = load(Car(16_000, (0.5, 16_000)))
    external.read(meter(1.0, 21_000), 1.0)
    assert external.possible_ma == each(5_000)


def test_at_the_first_reading_our_own_may_have_gone_since_its_meter_told():
    """Nothing of before is there to compare with: what was assumed holds until the second (found by the soak)."""
    car = Car(16_000, (0.5, 16_000))
    external = load(car)
    external.possible_ma = each(20_000)
    external.read(meter(1.0, 21_000), 1.0)  # 21 A of the house: the car ended at 0.9
    assert external.possible_ma == each(20_000)
    car.readings.append((1.5, each(0)))
    external.own_read(1.5, 1.5, fell=True)
    assert external.possible_ma == each(21_000)
    external.read(meter(2.0, 3_000), 2.0)
    assert external.possible_ma == each(21_000)
    external.read(meter(3.0, 3_000), 3.0)
    assert external.possible_ma == each(3_000)


def test_at_the_first_reading_a_meter_of_others_is_believed():
    external = load(Car(16_000, (0.5, 16_000)), meter_sees_charging=False)
    external.possible_ma = each(20_000)
    external.read(meter(1.0, 5_000), 1.0)
    assert external.possible_ma == each(5_000)


def test_a_branch_meter_sees_only_the_others():
    external = load(Car(16_000, (0.5, 16_000)), meter_sees_charging=False)
    external.read(meter(1.0, 5_000), 1.0)
    assert external.possible_ma == each(5_000)


def test_the_smallest_own_reading_near_it_counts_and_never_less_than_nothing_is_foreign():
    external = load(Car(16_000, (0.1, 9_000), (0.9, 16_000)))
    external.read(meter(1.0, 21_000), 1.0)
    assert external.possible_ma == each(12_000)
    external.read(meter(2.0, 3_000), 2.0)
    assert min(external.newest_ma()) == 0


def test_a_point_without_readings_of_its_own_counts_as_foreign():
    external = load(Car(16_000))
    external.read(meter(1.0, 21_000), 1.0)
    assert external.possible_ma == each(21_000)


def test_a_car_that_begins_to_draw_is_not_taken_for_the_house():
    car = Car(16_000, (0.9, 0))
    external = load(car)
    for at in (
        1.0,
        2.0,
        3.0,
        4.0,
        5.0,
        6.0,
    ):  # the circuit's meter is read 0.1 s after the car's; the car begins at 2.95
        external.read(meter(at, 1_000 + (16_000 if at >= 2.95 else 0)), at)
        drawn = 16_000 if at + 0.9 >= 2.95 else 0
        car.readings.append((at + 0.9, each(drawn)))
        external.own_read(at + 0.9, at + 0.9, fell=False)
        assert external.planned.held_ma == each(1_000)
    assert external.possible_ma == each(1_000)


def test_a_step_of_the_house_is_planned_for_when_the_cars_are_read():
    car = Car(16_000, (0.9, 16_000))
    external = load(car)
    assert external.read(meter(1.0, 47_000), 1.0)
    assert external.planned.held_ma == each(31_000)


def test_a_house_that_looks_like_a_car_is_believed_at_the_third_reading_at_the_latest():
    external = load(Car(16_000))  # its own meter gives no readings: it might be drawing
    for at in (1.0, 2.0):
        external.read(meter(at, 11_000), at)
        assert external.planned.held_ma == each(1_000)
        assert external.possible_ma == each(11_000)
    external.read(meter(3.0, 11_000), 3.0)
    assert external.planned.held_ma == each(11_000)


def test_what_a_silent_board_may_draw_is_not_counted_once_more_as_foreign():
    external = load(Car(10_000, silent=True), Car(8_000, (0.9, 8_000), (1.9, 8_000), (2.9, 8_000)))
    for at in (1.0, 2.0, 3.0):
        external.read(meter(at, 21_000), at)
    assert external.planned.held_ma == each(3_000)
    assert external.possible_ma == each(13_000), "it may stop, and all of this be the house"


def test_a_silent_board_makes_the_house_no_smaller_than_the_meter_says():
    external = load(Car(10_000, silent=True))
    for at in range(1, 20):
        external.read(meter(at, 12_000), at)
        external.refresh(at + 0.5)
    assert external.planned.held_ma == each(2_000)
    for at in range(20, 40):
        external.read(meter(at, 4_000), at)
        external.refresh(at + 0.5)
    assert external.planned.held_ma == each(0)


@pytest.mark.rule("B-089")
def test_averaging_delays_what_may_be_raised_never_what_must_be_reduced():
    external = load(external_window_seconds=10.0)
    for second in range(1, 11):
        external.read(meter(float(second), 20_000), float(second))
    external.read(meter(11.0, 0), 11.0)
    external.read(meter(12.0, 0), 12.0)
    assert external.possible_ma[0] > 15_000
    external.read(meter(13.0, 40_000), 13.0)
    assert external.possible_ma == external.planned.held_ma == each(40_000)


@pytest.mark.rule("B-092")
@pytest.mark.parametrize("quality", [Quality.STALE, Quality.IMPLAUSIBLE])
def test_a_meter_that_cannot_be_trusted_is_replaced_by_the_fallback(quality: Quality):
    external = load()
    external.read(meter(1.0, 2_000), 1.0)
    assert external.read(meter(2.0, 0, quality), 2.0)
    assert external.fallback_in_force
    assert external.possible_ma == external.planned.held_ma == each(20_000)


def test_a_meter_that_falls_silent_is_stale_after_five_seconds():
    external = load()
    external.read(meter(1.0, 2_000), 1.0)
    assert external.stale_at() == 6.0
    assert not external.refresh(5.9)
    assert external.refresh(6.0)
    assert external.planned.held_ma == each(20_000)


def test_losing_a_meter_raises_nothing_at_once():
    external = load()
    for at in (1.0, 2.0, 3.0):
        external.read(meter(at, 50_000), at)
    external.read(meter(4.0, 0, Quality.STALE), 4.0)
    assert external.possible_ma == each(50_000)


def test_a_reading_that_was_overtaken_changes_nothing():
    external = load()
    external.read(meter(2.0, 2_000), 2.0)
    external.read(meter(1.0, 60_000), 2.1)
    assert external.newest_ma() == each(2_000)


def test_a_car_that_stops_between_two_polls_does_not_make_the_house_look_smaller():
    """Its own meter still says 16 A when the circuit's says it is gone: raises count on the reading before."""
    car = Car(16_000, (0.9, 16_000))
    external = load(car)
    external.read(meter(1.0, 26_000), 1.0)
    car.readings.append((1.9, (16_000, 16_000, 16_000)))
    external.read(meter(2.0, 10_000), 2.0)
    assert external.newest_ma() == (0, 0, 0)
    assert external.possible_ma == (10_000, 10_000, 10_000)
    car.readings.append((2.9, (0, 0, 0)))
    external.own_read(2.9, 2.9, fell=True)
    assert external.newest_ma() == (10_000, 10_000, 10_000)


def test_jitter_of_the_house_moves_no_plan():
    """S8: after the first seconds a load that wobbles by 0.4 A is planned with one value."""
    external = load()
    changes = [external.read(meter(n * 1.0, 10_000 + 400 * (n % 2)), n * 1.0) for n in range(1, 121)]
    assert not any(changes[15:])

"""Charging by the sun, in virtual time: what is charged, when it begins and pauses, and what it may never do."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from park.load.circuit import Circuit, Placement, as_sum_ma
from park.load.limits import HeldLimit
from park.load.report import LimitsReported
from park.load.reporting import reports
from park.load.solar.ceiling import Ceiling
from park.load.solar.sun import as_watts
from park.load.solar.surplus import DEADBAND_MA, STEP_MA, Surplus
from park.load.state import CircuitState
from park.model.electric import PerPhase
from park.model.limit import Limit, LimitKind
from park.model.metering import Quality, ReadingTaken
from park.model.solar import SolarMode
from tests.park.load.boards import WALL, Boards, Vehicle, each
from tests.park.load.solar.sky import (
    METER,
    arrive,
    constant,
    day,
    keep_books,
    signals,
    starts_and_pauses,
    sunny,
    world,
)

START, STAY = 20.0, 60.0  # of `sunny`
LATE = 10.0  # plan, pilot and the shift of an interval
DAY, SHORT_DAY = 1_200, 500
LAG = 16  # averaging, three readings, plan, pilot and vehicle
MINIMUM = 18_000  # of a vehicle on three phases


# ------------------------------------------------------------ the modes


@pytest.mark.rule("B-085")
def test_surplus_charges_with_what_would_be_exported_and_with_nothing_less_than_a_minimum():
    assert signals(arrive(world(sunny(), constant(5_900))).run(90)) == [0]
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    assert signals(boards) == [10_000]
    assert boards.violations == []


@pytest.mark.rule("B-085")
@pytest.mark.parametrize(
    ("exported", "grid_ma", "signalled"), [(2_000, 4_000, 6_000), (2_000, 3_900, 0), (9_000, 4_000, 9_000)]
)
def test_solar_adds_at_most_the_grid_current_and_only_to_the_minimum(exported: int, grid_ma: int, signalled: int):
    solar = sunny(mode=SolarMode.SOLAR, grid_ma=grid_ma)
    assert signals(arrive(world(solar, constant(exported))).run(90)) == [signalled]


@pytest.mark.rule("B-085")
def test_grid_is_not_limited_by_the_sun():
    assert signals(arrive(world(sunny(mode=SolarMode.GRID), constant(0))).run(20)) == [32_000]


def test_what_the_house_takes_from_the_grid_is_not_for_charging_either():
    solar = sunny(mode=SolarMode.SOLAR, grid_ma=7_000)
    assert signals(arrive(world(solar, constant(-20_000))).run(90)) == [6_000]


def test_the_sun_counts_on_the_sum_of_the_phases_or_on_each():
    def house(_: float) -> PerPhase:
        return (-24_000, 1_000, 2_000)

    one = Vehicle(phases=1, maximum_ma=16_000)
    assert signals(arrive(world(sunny(), house)).run(90)) == [7_000]
    assert signals(arrive(world(sunny(each_phase=True), house)).run(90)) == [0]
    assert signals(arrive(world(sunny(each_phase=True), house), one).run(90)) == [16_000]


def test_charge_points_elsewhere_are_load_of_the_house():
    circuits = (
        Circuit("grid", each(63_000), meter=METER),
        Circuit("roofed", each(63_000), "grid"),
    )
    points = [Placement(f"n/{name}", "n", name, meter=f"m-{name}") for name in ("grid", "roofed")]
    solar = replace(sunny(), circuit="roofed")
    boards = arrive(
        Boards(circuits, points, house=constant(30_000), solar=(solar,)), Vehicle(maximum_ma=20_000), Vehicle()
    )
    boards.run(90)
    assert signals(boards) == [20_000, 10_000]


# ------------------------------------------------------------ clouds and meters


def test_nobody_begins_before_there_was_enough_sun_for_the_time_to_start():
    boards = arrive(world(sunny(), lambda at: each(-10_000 if at > 100 else -5_000)))
    boards.run(100 + START - boards.now)
    assert signals(boards) == [0]
    boards.run(LATE)
    assert signals(boards) != [0]


@pytest.mark.parametrize(("cloud", "pauses"), [(STAY - LATE, False), (STAY + 2 * LATE, True)])
def test_a_short_cloud_leaves_the_minimum_and_a_long_one_is_a_pause(cloud: float, pauses: bool):
    boards = arrive(world(sunny(), lambda at: each(-1_000 if 100 < at < 100 + cloud else -10_000)))
    boards.run(120)
    assert signals(boards) == [6_000]
    boards.run(200)
    assert signals(boards) == [10_000]
    assert len(starts_and_pauses(boards, "n/cp1")) == (3 if pauses else 1)


def test_a_vehicle_pauses_at_least_for_the_time_to_start():
    boards = arrive(world(sunny(), lambda at: each(-1_000 if 100 < at < 165 else -10_000))).run(250)
    (_, (paused, _), (again, _)) = starts_and_pauses(boards, "n/cp1")
    assert again - paused >= START


@pytest.mark.parametrize(("mode", "signalled"), [(SolarMode.SURPLUS, 0), (SolarMode.SOLAR, 6_000)])
def test_a_silent_meter_is_no_sun(mode: SolarMode, signalled: int):
    boards = arrive(world(sunny(mode=mode, grid_ma=6_000), constant(10_000))).run(60)
    before = signals(boards)
    boards.lose_meter(METER)
    boards.run(5 + STAY + LATE)
    assert (before, signals(boards)) == ([10_000], [signalled])
    assert boards.reports["grid"].available_ma == each(43_000)  # what the fallback leaves, whatever was exported
    assert boards.violations == []


def test_a_meter_that_was_silent_for_a_moment_pauses_nobody():
    boards = arrive(world(sunny(), constant(10_000))).run(60)
    boards.lose_meter(METER)
    boards.run(8)
    boards.dead_meters.clear()
    boards.run(60)
    assert signals(boards) == [10_000]
    assert len(starts_and_pauses(boards, "n/cp1")) == 1


def test_who_charges_when_the_coordinator_restarts_goes_on():
    boards = arrive(world(sunny(), constant(10_000))).run(60)
    boards.down = True
    boards.run(2)
    boards.start_coordinator(epoch=2)
    boards.report("n/cp1")
    boards.wish("n/cp1")
    boards.run(60)
    assert signals(boards) == [10_000]
    assert len(starts_and_pauses(boards, "n/cp1")) == 1


@pytest.mark.parametrize("seed", range(3))
def test_steady_sun_and_the_noise_of_meters_move_no_grant(seed: int):
    boards = world(sunny(), constant(25_100), points=2)
    boards.random, boards.noise = random.Random(seed), 60
    arrive(boards, Vehicle(), Vehicle()).run(90)
    before = len(boards.grants)
    targets = {name: device.signalled_ma for name, device in boards.devices.items()}
    boards.run(120)
    assert {grant.amps_ma for _, grant in boards.grants[before:]} == set(targets.values())


# ------------------------------------------------------------ never more than without


limits = st.builds(
    Limit,
    st.just("grid"),
    st.sampled_from([LimitKind.PROFILE, LimitKind.OPERATOR, LimitKind.SOLAR]),
    st.sampled_from("abc"),
    st.none() | st.tuples(*[st.integers(0, 90_000)] * 3),
    st.none() | st.integers(0, 90_000),
)


@pytest.mark.rule("B-085", "B-262")
@given(
    st.lists(limits, max_size=4),
    st.none() | st.tuples(*[st.integers(0, 90_000)] * 3),
    st.none() | st.integers(0, 90_000),
)
def test_the_sun_raises_nothing_above_what_other_limits_leave(
    others: list[Limit], current: PerPhase | None, watts: int | None
):
    state = CircuitState(Circuit("grid", each(63_000), limit_watts=40_000), ())
    state.impose([HeldLimit(limit) for limit in others])
    before = (*state.available_lines(), *state.planned_lines())
    sun = Limit("grid", LimitKind.SOLAR, "sun", current, watts)
    state.impose([HeldLimit(limit) for limit in (*others, sun)])
    after = (*state.available_lines(), *state.planned_lines())
    assert all(new <= old for new, old in zip(after, before, strict=True))


amounts = st.integers(0, 200_000)


@given(
    st.sampled_from([SolarMode.SURPLUS, SolarMode.SOLAR]),
    st.integers(0, 32_000),
    st.lists(st.tuples(amounts, amounts, amounts, st.integers(1, 90)), min_size=1, max_size=20),
)
def test_nobody_takes_more_than_the_sun_and_the_grid_current_but_for_a_minimum_that_stays(
    mode: SolarMode, grid_ma: int, steps: list[tuple[int, int, int, int]]
):
    ceiling, now, short_since = Ceiling(sunny(mode=mode, grid_ma=grid_ma)), 0.0, None
    sun = Surplus(each_phase=False, average_seconds=0.0, start_seconds=0.0)
    for surplus, charging, more, seconds in steps:
        now += seconds
        sun.held_ma = sun.now_ma = (surplus,)
        most = surplus + (3 * grid_ma if mode is SolarMode.SOLAR else 0)
        allowed = ceiling.allowed_ma(sun, (charging,), (charging + more,), now)
        assert allowed is not None
        assert surplus <= allowed[0] <= max(most, charging)
        if allowed[0] > most:
            short_since = now if short_since is None else short_since
            assert now - short_since < STAY
        elif charging <= most:
            short_since = None


@given(st.integers(0, 10**7))
def test_a_sum_of_currents_as_watts_allows_itself(sum_ma: int):
    assert sum_ma <= as_sum_ma(as_watts(sum_ma)) <= sum_ma + 4


@given(st.lists(st.integers(-90_000, 90_000), min_size=1, max_size=60))
def test_a_surplus_is_never_more_than_the_least_average_of_the_time_to_start(readings: list[int]):
    surplus = Surplus(each_phase=False, average_seconds=0.0, start_seconds=10.0)
    for at, exported in enumerate(readings):
        surplus.read((exported, 0, 0), float(at))
        least = max(0, min(readings[max(0, at - 10) : at + 1])) if at >= 10 else 0
        assert least - least % STEP_MA - DEADBAND_MA < surplus.held_ma[0] <= least
    surplus.read((99_000, 0, 0), 0.5)  # late: a newer one is there
    assert surplus.held_ma[0] <= max(0, min(readings[-11:]))


# ------------------------------------------------------------ figures of a day


@settings(max_examples=5, deadline=None)
@given(st.integers(8_000, 30_000), st.integers(0, 9_000), st.integers(1, 3), st.integers(0, 99))
def test_whatever_the_sky_nobody_charges_long_without_sun_and_no_contactor_wears(
    peak: int, clouds: int, vehicles: int, seed: int
):
    boards = world(sunny(), day(SHORT_DAY, peak, clouds), vehicles)
    boards.random = random.Random(seed)
    books = keep_books(arrive(boards, *[Vehicle() for _ in range(vehicles)]), SHORT_DAY)
    assert boards.violations == []
    for at, (_, charging, _) in enumerate(books.steps):
        lately = [surplus for _, _, surplus in books.steps[max(0, at - LAG) : at + 1]]
        assert charging <= max(*lately, vehicles * MINIMUM)
        long = [surplus for _, _, surplus in books.steps[max(0, at - int(STAY) - LAG) : at + 1]]
        assert charging == 0 or max(long) >= MINIMUM
    for name in boards.devices:
        changes = starts_and_pauses(boards, name)
        for (began, on), (ended, _) in pairwise(changes):
            assert ended - began >= (STAY if on else START)


@pytest.mark.rule("B-085")
@pytest.mark.parametrize(
    ("mode", "clouds", "consumed", "imported"),
    [
        (SolarMode.SURPLUS, 0, (0.85, 0.95), (0.0, 0.02)),
        (SolarMode.SURPLUS, 9_000, (0.75, 0.95), (0.0, 0.10)),
        (SolarMode.SOLAR, 0, (0.95, 1.0), (0.05, 0.30)),
        (SolarMode.SOLAR, 9_000, (0.92, 1.0), (0.05, 0.35)),
        (SolarMode.GRID, 0, (1.0, 1.0), (0.5, 1.0)),
    ],
)
def test_the_figures_of_a_day(
    mode: SolarMode, clouds: int, consumed: tuple[float, float], imported: tuple[float, float]
):
    """Share of the surplus that was charged, share of what was charged that came from the grid."""
    boards = world(sunny(mode=mode, grid_ma=6_000), day(DAY, 25_000, clouds), 2)
    books = keep_books(arrive(boards, Vehicle(), Vehicle()), DAY)
    assert consumed[0] <= books.self_consumption <= consumed[1]
    assert imported[0] <= books.grid_share <= imported[1]
    assert boards.violations == []


# ------------------------------------------------------------ why


def test_the_sun_is_named_as_the_reason_and_as_a_limit_in_force():
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    reason = boards.state.points_by_name["n/cp1"].reason[0]
    assert (reason.limit, reason.source, reason.circuit) == ("solar", f"surplus by meter {METER}", "grid")
    boards.state.limits_reported = None
    (told,) = [report for report in reports(boards.state, boards.now) if isinstance(report, LimitsReported)]
    assert [(limit.target, limit.kind, limit.limit_w) for limit in told.limits] == [("grid", "solar", as_watts(30_000))]


# ------------------------------------------------------------ the surplus


def test_a_small_rise_is_not_worth_new_grants():
    surplus = Surplus(each_phase=False, average_seconds=0.0, start_seconds=10.0)
    held: list[int] = []
    for exported in (10_100, 10_400, 10_600, 9_900):
        for _ in range(12):
            surplus.read((exported, 0, 0), float(len(held)))
            held.append(surplus.held_ma[0])
    assert [held[n] for n in (9, 11, 23, 35, 36)] == [0, 10_000, 10_000, 10_500, 9_750]


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.IMPLAUSIBLE])
def test_a_reading_not_to_be_trusted_is_no_sun_at_once(quality: Quality):
    boards = arrive(world(sunny(), constant(10_000))).run(90)
    boards.tell(ReadingTaken(METER, quality, None, None, boards.now, WALL))
    assert boards.state.suns[0].surplus.held_ma == (0,)

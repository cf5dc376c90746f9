"""Limits of circuits and charge points: which holds, how long, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.load import coordinator
from park.load.circuit import Circuit
from park.load.conditions import Conditions, InputLimit, TimetableEntry
from park.load.limit_answers import AnswerLimit
from park.load.limit_rows import LIMIT_TABLE, limits_of, row_body, row_key
from park.load.limiting import MOST_EARLY_ORDERS
from park.load.limits import FREE_MA, SOURCES, HeldLimit, Limits, Validity, as_current_ma, smallest, smallest_watts
from park.load.report import LimitsReported
from park.load.solar.orders import SOLAR_TABLE
from park.load.state import CoordinatorSettings, CoordinatorState
from park.model.alarm import Alarm
from park.model.electric import PerPhase
from park.model.grant import Reason
from park.model.limit import (
    ClearLimit,
    InputChanged,
    Limit,
    LimitAnswer,
    LimitKind,
    LimitOutcome,
    LimitRefused,
    Refusal,
    SetLimit,
)
from park.model.signals import Start, Tick, WakeAt
from park.model.standing_limits import HoldLimits
from park.model.storage import CommitFailed, Committed, Delete, Load, Put, Row, RowsLoaded, Write
from park.model.time import Now
from tests.park.load.boards import WALL, Boards, Vehicle, each, grid, places
from tests.support.probe import Probe

ENERGY, OPERATOR = LimitKind.ENERGY_MANAGER, LimitKind.OPERATOR
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)  # a Monday


def energy(target: str, limit_ma: PerPhase | None, source: str = "hems", **more: int) -> Limit:
    return Limit(target, ENERGY, source, limit_ma, **more)


def world_of(*vehicles: Vehicle, circuit: Circuit | None = None, **settings: float) -> Boards:
    """A connection of 63 A without house and headroom, settled, with cars."""
    circuit = circuit or grid(63_000, headroom_ma=0, external_fallback_ma=each(0), **settings)
    boards = Boards([circuit], places(max(1, len(vehicles)))).run(12)
    for name, vehicle in zip(boards.devices, vehicles, strict=False):
        boards.arrive(name, vehicle)
    return boards.run(30)


def signals(boards: Boards) -> list[int]:
    return [device.signalled_ma for device in boards.devices.values()]


def set_limit(boards: Boards, limit: Limit, seconds: float | None = None) -> LimitOutcome:
    """As an energy manager does, with a disk that never fails."""
    told: Probe[LimitOutcome] = Probe()
    wrote = tell(boards, SetLimit("r", limit, seconds, told))
    for each_ in wrote:
        tell(boards, Committed(each_.token))
    return told.messages[-1]


def tell(boards: Boards, event: coordinator.CoordinatorEvent) -> list[Write]:
    """What is to be written; the rest goes the way of all effects, answers too."""
    state, effects = coordinator.step(boards.state, event, boards.clock())
    boards.state = state
    for effect in effects:
        if isinstance(effect, AnswerLimit):
            effect.reply_to.tell(effect.outcome)
        if isinstance(effect, coordinator.Recompute):
            boards.tell(effect)
    return [effect for effect in effects if isinstance(effect, Write)]


# ------------------------------------------------------------ which holds


limit_lists = st.lists(
    st.builds(
        Limit,
        st.just("grid"),
        st.sampled_from(LimitKind),
        st.sampled_from("abc"),
        st.none() | st.tuples(*[st.integers(0, 80_000)] * 3),
        st.none() | st.integers(0, 60_000),
        st.integers(0, 9),
    ),
    max_size=6,
)


@pytest.mark.rule("B-262", "B-087")
@given(limits=limit_lists, design=st.tuples(*[st.integers(0, 63_000)] * 3))
def test_the_smallest_of_design_and_all_limits_holds_on_each_phase(limits: list[Limit], design: PerPhase):
    held = [HeldLimit(limit) for limit in limits]
    most, binding = smallest(held, design)
    for phase in range(3):
        currents = [each_.current_ma()[phase] for each_ in held]
        assert most[phase] == min([design[phase], *currents])
        by = binding[phase]
        assert most[phase] == (design[phase] if by is None else by.current_ma()[phase])
        assert (by is None) == (most[phase] == design[phase])


@given(limits=limit_lists, order=st.randoms(use_true_random=False))
def test_the_order_of_setting_changes_nothing(limits: list[Limit], order: Random):
    named = list({(each_.kind, each_.source): each_ for each_ in limits}.values())
    shuffled = list(named)
    order.shuffle(shuffled)
    books = [Limits(), Limits()]
    for book, sequence in zip(books, (named, shuffled), strict=True):
        for limit in sequence:
            book.set(limit, None, 0.0)
    assert list(books[0].everything()) == list(books[1].everything())


def test_of_equal_limits_the_one_of_higher_priority_is_named_and_no_priority_beats_a_smaller_limit():
    book = Limits()
    book.set(energy("grid", each(20_000), "low"), None, 0.0)
    book.set(energy("grid", each(20_000), "high", priority=5), None, 0.0)
    most, binding = smallest(book.at("grid"), each(63_000))
    assert [by.limit.source for by in binding if by] == ["high"] * 3
    book.set(energy("grid", each(30_000), "higher", priority=9), None, 0.0)
    assert smallest(book.at("grid"), each(63_000))[0] == most == each(20_000)


@pytest.mark.rule("B-265")
def test_the_same_name_set_again_replaces_the_limit():
    book = Limits()
    book.set(energy("grid", each(10_000)), None, 0.0)
    book.set(energy("grid", each(30_000)), None, 1.0)
    assert [each_.limit.limit_ma for each_ in book.at("grid")] == [each(30_000)]


@given(watts=st.integers(0, 10**6), phases=st.integers(1, 3))
def test_watts_become_a_current_that_never_is_more_than_they_are(watts: int, phases: int):
    current = as_current_ma(watts, phases)
    assert phases * current * 253 <= watts * 1000 < phases * (current + 1) * 253


def test_watts_of_a_charge_point_count_on_the_phases_its_vehicle_uses():
    boards = world_of(Vehicle(phases=1), Vehicle())
    for name in boards.devices:
        set_limit(boards, Limit(name, ENERGY, "hems", None, 6_900))
    boards.run(2)
    assert signals(boards) == [27_200, 9_000]  # 6 900 W at 253 V on one phase, on three


def test_watts_of_a_circuit_count_on_the_sum_of_its_phases():
    boards = world_of(Vehicle(phases=1))
    answer = set_limit(boards, energy("grid", None, limit_w=6_900))
    boards.run(2)
    assert signals(boards) == [27_200]  # 6 900 W at 253 V, on the one phase that is used
    assert boards.state.points_by_name["n/cp1"].reason[0] == Reason("energy_manager", "hems", "grid", None, 9_090)
    assert isinstance(answer, LimitAnswer)
    assert (answer.limit_ma, answer.limit_w, answer.power_source, answer.binds) == (each(63_000), 6_900, "hems", True)
    larger = set_limit(boards, energy("grid", None, "other", limit_w=7_000))
    assert isinstance(larger, LimitAnswer)
    assert larger.notes == ("no effect on the sum of the phases: the limit of hems, 6900 W, is smaller",)
    three = world_of(Vehicle())
    set_limit(three, energy("grid", each(20_000), limit_w=6_900))
    three.run(2)
    assert signals(three) == [9_000]


@pytest.mark.rule("B-266")
def test_a_limit_per_phase_is_not_divided_among_phases():
    boards = world_of(Vehicle(phases=3))
    set_limit(boards, energy("grid", (30_000, 12_000, 30_000)))
    boards.run(2)
    assert signals(boards) == [12_000]
    assert boards.reports["grid"].limit_ma == (30_000, 12_000, 30_000)
    assert boards.reports["grid"].bound_by == ("energy_manager",) * 3


@pytest.mark.rule("B-075", "B-087")
def test_an_operator_limit_of_a_charge_point_acts_while_it_charges_and_never_above_its_own_maximum():
    boards = world_of(Vehicle())
    assert signals(boards) == [32_000]
    set_limit(boards, Limit("n/cp1", OPERATOR, "operator", each(16_000)))
    boards.run(0.1)
    assert signals(boards) == [16_000]
    answer = set_limit(boards, Limit("n/cp1", OPERATOR, "operator", each(80_000)))
    boards.run(15)
    assert signals(boards) == [32_000]
    assert isinstance(answer, LimitAnswer)
    assert (answer.limit_ma, answer.binds) == (each(32_000), False)
    assert answer.notes[0] == "no effect on L1: the design limit, 32.0 A, is smaller"


@pytest.mark.rule("B-078", "B-263")
def test_a_limit_below_the_minimum_is_a_pause_and_no_lapse_current_is_kept_above_it():
    boards = world_of(Vehicle(), Vehicle())
    answer = set_limit(boards, energy("n/cp1", each(5_900)))
    boards.run(3)
    assert signals(boards)[0] == 0
    assert boards.state.points_by_name["n/cp1"].target_lapse_ma == 0
    assert isinstance(answer, LimitAnswer)
    assert answer.notes == ("less than the 6.0 A this charge point can offer: charging pauses",)
    assert boards.state.points_by_name["n/cp1"].reason == (
        Reason("energy_manager", "hems", None, None, 5_900),
        Reason("minimum", "less than 6 A is a pause"),
    )
    boards.leave("n/cp1")
    boards.run(90)
    assert boards.devices["n/cp1"].lapse_ma == 0


def test_a_limit_of_a_circuit_on_the_way_is_named_with_circuit_and_phase():
    circuits = [grid(63_000, headroom_ma=0, external_fallback_ma=each(0)), Circuit("floor", each(40_000), "grid")]
    boards = Boards(circuits, places(1)).run(12)
    boards.arrive("n/cp1")
    boards.run(10)
    set_limit(boards, energy("grid", (20_000, 21_000, 21_000)))
    boards.run(3)
    reason = boards.state.points_by_name["n/cp1"].reason[0]
    assert (reason.limit, reason.source, reason.circuit, reason.phase) == ("energy_manager", "hems", "grid", "L1")


# ------------------------------------------------------------ how long


def test_a_validity_ends_on_the_monotonic_clock_and_what_it_held_back_is_raised_in_the_ordinary_way():
    boards = world_of(Vehicle())
    set_limit(boards, energy("grid", each(10_000)), seconds=30.0)
    boards.run(29)
    assert signals(boards) == [10_000]
    boards.run(5)
    assert signals(boards) == [32_000]
    assert not boards.violations


def test_the_end_of_a_validity_is_not_waited_for_until_the_next_interval():
    settings = CoordinatorSettings((grid(),), tuple(places(1)), "s", interval_seconds=300.0, renew_seconds=300.0)
    state = coordinator.initial(settings, Now(0.0, WALL))
    _, effects = coordinator.step(state, SetLimit("r", energy("grid", each(10_000)), 20.5), Now(0.0, WALL))
    assert WakeAt(20.5) in effects
    _, effects = coordinator.step(state, Tick(), Now(20.0, WALL))
    assert effects[-1] == WakeAt(20.5)


@pytest.mark.parametrize("hours", [-5, 5, 24 * 365])
def test_a_jump_of_the_wall_clock_changes_no_validity(hours: int):
    state = coordinator.initial(CoordinatorSettings((grid(),), tuple(places(1)), "s"), Now(0.0, WALL))
    coordinator.step(state, SetLimit("r", energy("grid", each(10_000)), 60.0), Now(0.0, WALL))
    jumped = WALL + timedelta(hours=hours)
    coordinator.step(state, Tick(), Now(59.9, jumped))
    assert state.circuits[0].limit_ma() == each(10_000)
    coordinator.step(state, Tick(), Now(60.0, jumped))
    assert state.circuits[0].limit_ma() == each(63_000)


@pytest.mark.rule("B-084")
def test_what_is_configured_to_follow_holds_from_the_end_until_the_limit_is_set_again_or_cleared():
    circuit = grid(63_000, headroom_ma=0, external_fallback_ma=each(0), expired_limit_ma=each(8_000))
    boards = world_of(Vehicle(), circuit=circuit)
    assert signals(boards) == [32_000]  # nobody has set anything yet
    set_limit(boards, energy("grid", each(20_000)), seconds=10.0)
    boards.run(10.1)
    assert signals(boards) == [8_000]
    boards.run(3)
    assert boards.reports["grid"].bound_by[0] == "expired"
    assert boards.state.points_by_name["n/cp1"].reason[0] == Reason("expired", "hems", "grid", "L1", 8_000)
    set_limit(boards, energy("grid", each(20_000)), seconds=10.0)
    boards.run(9)
    assert signals(boards) == [20_000]
    boards.run(3)
    tell(boards, ClearLimit("r", "grid", ENERGY, "hems"))
    boards.run(15)
    assert signals(boards) == [32_000]


def test_watts_that_ran_out_hold_no_more_beside_what_follows_them():
    book = Limits({"grid": each(8_000)})
    book.set(energy("grid", None, limit_w=1_000), 10.0, 0.0)
    assert smallest_watts(book.at("grid"), None)[0] == 1_000
    book.expire(10.0)
    assert smallest_watts(book.at("grid"), None) == (None, None)
    assert smallest(book.at("grid"), each(63_000))[0] == each(8_000)


def test_the_limit_of_an_operator_is_followed_by_nothing():
    circuit = grid(63_000, headroom_ma=0, external_fallback_ma=each(0), expired_limit_ma=each(8_000))
    boards = world_of(Vehicle(), circuit=circuit)
    set_limit(boards, Limit("grid", OPERATOR, "operator", each(20_000)), seconds=5.0)
    boards.run(20)
    assert signals(boards) == [32_000]


# ------------------------------------------------------------ what is answered


def test_the_answer_says_what_holds_and_comes_when_it_is_on_disk():
    boards = world_of(Vehicle())
    told: Probe[LimitOutcome] = Probe()
    (wrote,) = tell(boards, SetLimit("7", energy("grid", (20_000, 70_000, 63_000)), None, told))
    assert told.messages == []
    assert signals(boards) == [32_000]
    boards.run(0.1)
    assert signals(boards) == [20_000]  # in force before it is on disk: less is never wrong
    tell(boards, Committed(wrote.token))
    (answer,) = told.messages
    assert answer == LimitAnswer(
        "7",
        "grid",
        (20_000, 63_000, 63_000),
        ("energy_manager", "fuse", "fuse"),
        ("hems", "circuit grid", "circuit grid"),
        binds=True,
        notes=("no effect on L2: the design limit, 63.0 A, is smaller",),
    )
    tell(boards, Committed(wrote.token))
    assert len(told.messages) == 1


def test_a_disk_that_refuses_is_said_and_the_limit_holds():
    boards = world_of(Vehicle())
    told: Probe[LimitOutcome] = Probe()
    (wrote,) = tell(boards, SetLimit("7", energy("grid", each(20_000)), None, told))
    tell(boards, CommitFailed(wrote.token, "disk full"))
    (answer,) = told.messages
    assert isinstance(answer, LimitAnswer)
    assert not answer.stored
    assert "disk full" in answer.notes[-1]
    boards.run(1)
    assert signals(boards) == [20_000]


def test_a_smaller_limit_of_somebody_else_and_a_house_that_takes_all_are_named():
    boards = Boards([grid(63_000)], places(1), house=lambda _: each(30_000)).run(20)
    set_limit(boards, energy("grid", each(20_000), "dso"))
    answer = set_limit(boards, energy("grid", each(25_000)))
    assert isinstance(answer, LimitAnswer)
    assert answer.notes == (
        *(f"no effect on {name}: the limit of dso, 20.0 A, is smaller" for name in ("L1", "L2", "L3")),
        "the load of others alone is more on L1, L2, L3: nobody can charge there",
    )


@pytest.mark.parametrize(
    ("limit", "seconds", "because", "words"),
    [
        (energy("gird", each(1)), None, Refusal.NO_SUCH_TARGET, "did you mean grid?"),
        (energy("n/cp99", each(1)), None, Refusal.NO_SUCH_TARGET, "did you mean n/cp1?"),
        (energy("grid", None), None, Refusal.INVALID, "neither amperes nor watts"),
        (energy("grid", (1, -1, 1)), None, Refusal.INVALID, "at least 0"),
        (energy("grid", None, limit_w=-1), None, Refusal.INVALID, "at least 0"),
        (energy("grid", each(1)), 0.0, Refusal.INVALID, "a validity of 0 s"),
        (energy("grid", each(1)), -3.0, Refusal.INVALID, "a validity of -3 s"),
        (energy("grid", each(1)), float("nan"), Refusal.INVALID, "a validity of nan s"),
        (energy("grid", each(1)), float("inf"), Refusal.INVALID, "a validity of inf s"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    limit: Limit, seconds: float | None, because: Refusal, words: str
):
    boards = world_of()
    outcome = set_limit(boards, limit, seconds)
    assert isinstance(outcome, LimitRefused)
    assert outcome.because is because
    assert words in outcome.reason
    assert list(boards.state.limits.everything()) == []


@pytest.mark.rule("B-264")
def test_a_sixth_source_is_refused_and_one_of_the_five_may_change_its_limit():
    boards = world_of()
    for number in range(SOURCES):
        set_limit(boards, energy("grid", each(40_000), f"manager {number}"))
    outcome = set_limit(boards, energy("grid", each(1_000), "one too many"))
    assert isinstance(outcome, LimitRefused)
    assert outcome.because is Refusal.TOO_MANY
    assert isinstance(set_limit(boards, energy("grid", each(39_000), "manager 3")), LimitAnswer)
    assert isinstance(set_limit(boards, Limit("grid", OPERATOR, "operator", each(38_000))), LimitAnswer)
    assert boards.state.circuits[0].limit_ma() == each(38_000)


def test_clearing_what_nobody_set_is_refused_with_those_who_did():
    boards = world_of()
    set_limit(boards, energy("grid", each(40_000), "dso"))
    told: Probe[LimitOutcome] = Probe()
    tell(boards, ClearLimit("c", "grid", ENERGY, "hems", told))
    (outcome,) = told.messages
    assert isinstance(outcome, LimitRefused)
    assert outcome.because is Refusal.NO_SUCH_LIMIT
    assert "dso" in outcome.reason


@pytest.mark.rule("B-267")
def test_every_change_of_a_limit_is_shown():
    boards = world_of()
    set_limit(boards, energy("grid", each(40_000)), seconds=60.0)
    effects = coordinator.step(boards.state, Tick(), Now(boards.now + 2, WALL))[1]
    (shown,) = [effect for effect in effects if isinstance(effect, LimitsReported)]
    assert [(row.target, row.kind, row.limit_ma) for row in shown.limits] == [("grid", "energy_manager", each(40_000))]
    tell(boards, ClearLimit("c", "grid", ENERGY, "hems"))
    effects = coordinator.step(boards.state, Tick(), Now(boards.now + 4, WALL))[1]
    assert LimitsReported(()) in effects


# ------------------------------------------------------------ a kind as a whole


def profile(target: str, amps_ma: int, source: str = "profile 1") -> Limit:
    return Limit(target, LimitKind.PROFILE, source, each(amps_ma))


def profiles(*limits: Limit) -> HoldLimits:
    return HoldLimits(LimitKind.PROFILE, limits)


@pytest.mark.rule("B-161")
def test_the_limits_of_a_kind_are_those_told_last_and_no_profile_raises_anything():
    boards = world_of(Vehicle())
    set_limit(boards, energy("grid", each(40_000)))
    tell(boards, profiles(profile("grid", 20_000), profile("n/cp1", 99_000), profile("nowhere", 1_000)))
    boards.run(1)
    assert signals(boards) == [20_000]
    assert [held.limit.source for held in boards.state.limits.everything()] == ["hems", "profile 1", "profile 1"]
    tell(boards, profiles(profile("n/cp1", 16_000)))
    boards.run(15)
    assert signals(boards) == [16_000]
    assert boards.state.circuits[0].limit_ma() == each(40_000)
    assert tell(boards, profiles(profile("n/cp1", 16_000))) == []  # told again, nothing to write
    tell(boards, profiles())
    boards.run(15)
    assert signals(boards) == [32_000]


def test_watts_of_a_profile_count_what_charging_takes_and_those_of_others_all_that_flows():
    boards = Boards([grid(63_000, headroom_ma=0)], places(1), house=lambda _: each(10_000)).run(60)
    boards.arrive("n/cp1")
    boards.run(20)
    tell(boards, profiles(Limit("grid", LimitKind.PROFILE, "profile 1", None, 11_000)))
    boards.run(3)
    assert signals(boards) == [14_400]  # 11 000 W at 253 V on three phases, the house is not counted
    assert boards.state.points_by_name["n/cp1"].reason[0].source == "profile 1"
    set_limit(boards, energy("grid", None, limit_w=16_000))
    boards.run(3)
    assert signals(boards) == [11_000]  # 21.0 A less 10 A of the house
    assert boards.state.points_by_name["n/cp1"].reason[0].source == "hems"


def test_a_profile_of_before_holds_until_those_of_now_are_told():
    before = kept(HeldLimit(profile("grid", 20_000)))
    state = restarted(before)
    assert state.circuits[0].available_ma() == each(20_000)
    coordinator.step(state, profiles(), Now(101.0, WALL))
    assert state.circuits[0].available_ma() == each(42_000)  # less headroom and house


def test_told_before_the_rows_came_they_are_newer_and_the_others_are_deleted():
    settings = CoordinatorSettings((grid(63_000),), tuple(places(1)), "s", keeps_limits=True)
    state = coordinator.initial(settings, Now(0.0, WALL))
    coordinator.step(state, profiles(profile("n/cp1", 9_000)), Now(0.0, WALL))
    rows = RowsLoaded((kept(HeldLimit(profile("grid", 20_000))), kept(HeldLimit(profile("n/cp1", 5_000)))))
    _, effects = coordinator.step(state, rows, Now(0.0, WALL))
    assert state.circuits[0].limit_ma() == each(63_000)
    assert state.points_by_name["n/cp1"].allowed_ma() == 9_000
    (write,) = [effect for effect in effects if isinstance(effect, Write)]
    assert write.writes == (Delete(LIMIT_TABLE, row_key("grid", LimitKind.PROFILE, "profile 1")),)


def test_limits_of_a_kind_that_nobody_can_set_any_more_are_forgotten():
    settings = CoordinatorSettings(
        (grid(63_000),), tuple(places(1)), "s", keeps_limits=True, unset_kinds=frozenset({LimitKind.PROFILE})
    )
    state = coordinator.initial(settings, Now(0.0, WALL))
    rows = kept(HeldLimit(profile("grid", 20_000))), kept(HeldLimit(energy("grid", each(30_000))))
    coordinator.step(state, RowsLoaded(rows), Now(0.0, WALL))
    assert state.circuits[0].limit_ma() == each(30_000)


# ------------------------------------------------------------ restarts


def kept(held: HeldLimit, boot: str = "machine-1") -> Row:
    return Row(LIMIT_TABLE, row_key(*held.key), row_body(held, boot))


def restarted(*rows: Row, boot: str = "machine-1", now: float = 100.0) -> coordinator.CoordinatorState:
    circuit = grid(63_000, expired_limit_ma=each(8_000))
    settings = CoordinatorSettings((circuit,), tuple(places(1)), "s", keeps_limits=True, machine_boot=boot)
    state = coordinator.initial(settings, Now(now, WALL))
    _, effects = coordinator.step(state, Start(), Now(now, WALL))
    assert Load((LIMIT_TABLE, SOLAR_TABLE)) in effects
    coordinator.step(state, RowsLoaded(rows), Now(now, WALL))
    return state


def test_a_restart_of_the_process_changes_no_validity():
    held = HeldLimit(energy("grid", each(20_000)), until=130.0, seconds=60.0)
    state = restarted(kept(held))
    assert state.circuits[0].limit_ma() == each(20_000)
    coordinator.step(state, Tick(), Now(129.9, WALL))
    assert state.circuits[0].limit_ma() == each(20_000)
    coordinator.step(state, Tick(), Now(130.0, WALL))
    assert state.circuits[0].limit_ma() == each(8_000)


def test_after_a_restart_of_the_machine_the_smaller_of_the_limit_and_what_follows_holds_for_its_whole_validity():
    held = HeldLimit(energy("grid", (20_000, 5_000, 20_000)), until=1e9, seconds=60.0)
    state = restarted(kept(held), boot="machine-2", now=3.0)
    assert state.circuits[0].limit_ma() == (8_000, 5_000, 8_000)
    coordinator.step(state, Tick(), Now(62.9, WALL))
    assert state.circuits[0].limit_ma() == (8_000, 5_000, 8_000)
    coordinator.step(state, Tick(), Now(63.0, WALL))
    assert state.circuits[0].limit_ma() == each(8_000)


def test_an_operator_limit_and_what_holds_since_an_expiry_survive():
    operator = HeldLimit(Limit("n/cp1", OPERATOR, "operator", each(10_000)))
    over = HeldLimit(energy("grid", each(20_000)), 50.0, 20.0, each(8_000), Validity.EXPIRED)
    state = restarted(kept(operator), kept(over))
    assert state.points_by_name["n/cp1"].allowed_ma() == 10_000
    assert state.circuits[0].limit_ma() == each(8_000)
    assert [each_.word for each_ in state.limits.at("grid")] == ["expired"]


def test_nothing_is_granted_before_the_limits_of_before_are_read():
    settings = CoordinatorSettings((grid(),), tuple(places(1)), "s", keeps_limits=True)
    state = coordinator.initial(settings, Now(0.0, WALL))
    coordinator.step(state, Start(), Now(0.0, WALL))
    for second in range(30):
        _, effects = coordinator.step(state, Tick(), Now(float(second), WALL))
        if second:
            assert (Load((LIMIT_TABLE, SOLAR_TABLE)) in effects) == (second % 2 == 0)  # asked again once an interval
    assert state.holding_until is not None
    coordinator.step(state, RowsLoaded(()), Now(30.0, WALL))
    coordinator.step(state, Tick(), Now(32.0, WALL))
    assert state.holding_until is None


def unread() -> CoordinatorState:
    """A coordinator whose limits of before are still on the disk alone."""
    settings = CoordinatorSettings((grid(),), tuple(places(1)), "s", keeps_limits=True)
    return coordinator.initial(settings, Now(0.0, WALL))


def test_what_was_set_before_the_rows_came_is_newer_than_they_are():
    state = unread()
    coordinator.step(state, SetLimit("r", energy("grid", each(9_000))), Now(0.0, WALL))
    coordinator.step(state, RowsLoaded((kept(HeldLimit(energy("grid", each(50_000)))),)), Now(0.0, WALL))
    assert state.circuits[0].limit_ma() == each(9_000)


def test_an_order_before_the_rows_came_is_answered_with_what_they_hold():
    state, told = unread(), Probe[LimitOutcome]()
    before = kept(HeldLimit(energy("grid", each(20_000))))
    wider = energy("grid", each(30_000), "second")
    assert coordinator.step(state, SetLimit("a", wider, 60.0, told), Now(0.0, WALL))[1] == ()
    assert coordinator.step(state, ClearLimit("b", "grid", ENERGY, "hems", told), Now(0.0, WALL))[1] == ()

    _, effects = coordinator.step(state, RowsLoaded((before,)), Now(1.0, WALL))

    set_, cleared = [effect for effect in effects if isinstance(effect, Write)]
    answers = [
        answered.outcome
        for write in (set_, cleared)
        for answered in coordinator.step(state, Committed(write.token), Now(1.0, WALL))[1]
        if isinstance(answered, AnswerLimit)
    ]
    assert [(each_.request_id, each_.limit_ma) for each_ in answers if isinstance(each_, LimitAnswer)] == [
        ("a", each(20_000)),
        ("b", each(30_000)),
    ]
    assert any(isinstance(effect, WakeAt) and effect.mono == 61.0 for effect in effects)


def test_more_orders_than_wait_for_the_rows_are_refused_and_told_to_try_again():
    state, told = unread(), Probe[LimitOutcome]()
    order = SetLimit("r", energy("grid", each(9_000)), None, told)
    for _ in range(MOST_EARLY_ORDERS):
        assert coordinator.step(state, order, Now(0.0, WALL))[1] == ()

    ((refusal,),) = [coordinator.step(state, order, Now(0.0, WALL))[1]]

    assert isinstance(refusal, AnswerLimit)
    assert isinstance(refusal.outcome, LimitRefused)
    assert refusal.outcome.because is Refusal.TOO_MANY
    assert "try again" in refusal.outcome.reason


def test_what_ran_out_is_written_down():
    state = restarted()
    one = SetLimit("r", energy("grid", each(9_000)), 10.0)
    two = SetLimit("r", energy("n/cp1", each(9_000)), 10.0)
    for order in (one, two):
        coordinator.step(state, order, Now(100.0, WALL))
    _, effects = coordinator.step(state, Tick(), Now(110.0, WALL))
    (write,) = [effect for effect in effects if isinstance(effect, Write)]
    deleted, put = write.writes
    assert deleted == Delete(LIMIT_TABLE, row_key("n/cp1", ENERGY, "hems"))
    assert isinstance(put, Put)
    again = restarted(Row(put.table, put.key, put.body))
    assert again.circuits[0].limit_ma() == each(8_000)


def test_rows_that_cannot_be_read_and_limits_without_a_target_are_told_and_nothing_else_is_lost():
    good = kept(HeldLimit(energy("grid", each(20_000))))
    stray = kept(HeldLimit(energy("gone", each(1_000))))
    bad = [
        Row(LIMIT_TABLE, "no json", "{}"),
        Row(LIMIT_TABLE, row_key("grid", ENERGY, "x"), '{"limit_ma": ["a"]}'),
        Row(LIMIT_TABLE, row_key("grid", ENERGY, "y"), row_body(HeldLimit(energy("grid", None)), "")),
    ]
    found, alarms = limits_of((good, *bad), "machine-1", 0.0)
    assert ([each_.limit.source for each_ in found], len(alarms)) == (["hems"], 3)
    state = restarted(good, stray)
    told: Probe[LimitOutcome] = Probe()
    _, effects = coordinator.step(state, ClearLimit("c", "gone", ENERGY, "hems", told), Now(101.0, WALL))
    assert any(isinstance(effect, Write) for effect in effects)


def test_a_limit_whose_target_is_gone_is_an_alarm():
    state = coordinator.initial(CoordinatorSettings((grid(),), (), "s", keeps_limits=True), Now(0.0, WALL))
    stray = kept(HeldLimit(energy("gone", each(1_000))))
    _, effects = coordinator.step(state, RowsLoaded((stray,)), Now(0.0, WALL))
    (alarm,) = [effect for effect in effects if isinstance(effect, Alarm)]
    assert alarm.code == "limit-without-target"


@given(
    held=st.builds(
        HeldLimit,
        st.builds(
            Limit,
            st.just("grid"),
            st.sampled_from(LimitKind),
            st.text(max_size=8),
            st.none() | st.tuples(*[st.integers(0, 10**6)] * 3),
            st.integers(0, 10**6),
            st.integers(0, 9),
        ),
        until=st.just(110.0),
        seconds=st.floats(10.0, 1e6),
    )
)
def test_what_is_written_is_read_back(held: HeldLimit):
    (back,), alarms = limits_of([kept(held)], "machine-1", 100.0)
    assert (back, alarms) == (held, ())


@given(ends=st.floats(0, 100), off=st.floats(0, 100), after=st.none() | st.integers(0, 63_000))
def test_after_any_restart_nothing_is_higher_than_what_would_have_held(ends: float, off: float, after: int | None):
    follows = None if after is None else each(after)
    book = Limits({} if follows is None else {"grid": follows})
    held = book.set(energy("grid", each(20_000)), ends, 0.0) if ends > 0 else None
    if held is None:
        return
    (found,), _ = limits_of([kept(held)], "another", off)  # the clock of the machine may show anything
    back = Limits({} if follows is None else {"grid": follows})
    back.restore(found)
    book.expire(off)
    would = smallest(book.at("grid"), each(63_000))[0]
    assert smallest(back.at("grid"), each(63_000))[0] <= would


# ------------------------------------------------------------ time tables and inputs


def table(begins: str, ends: str, **more: object) -> TimetableEntry:
    def minutes(text: str) -> int:
        hours, _, rest = text.partition(":")
        return int(hours) * 60 + int(rest)

    return TimetableEntry("grid", f"{begins}-{ends}", each(10_000), minutes(begins), minutes(ends), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entry", "wall", "holds"),
    [
        (table("11:00", "13:00"), NOON, True),
        (table("12:00", "13:00"), NOON, True),
        (table("11:00", "12:00"), NOON, False),
        (table("11:00", "13:00", days=frozenset({1})), NOON, False),
        (table("22:00", "06:00", days=frozenset({0})), NOON.replace(hour=23), True),
        (table("22:00", "06:00", days=frozenset({0})), NOON.replace(hour=3), False),  # began on Sunday
        (table("22:00", "06:00", days=frozenset({0})), NOON.replace(day=5, hour=3), True),
        (table("00:00", "24:00"), NOON, True),
        (table("00:00", "24:00", days=frozenset({6})), NOON, False),
    ],
)
def test_a_time_table_holds_on_its_days_from_begin_to_end(entry: TimetableEntry, wall: datetime, holds: bool):
    assert entry.holds(wall, UTC) is holds


@pytest.mark.rule("B-086")
def test_a_scheduled_limit_is_late_by_its_lag_and_ends_as_late():
    entry = table("14:00", "15:00", lag_seconds=99)  # N = 100: 14:00:00 may mean 14:01:39
    moment = NOON.replace(hour=14)
    seen = [entry.holds(moment + timedelta(seconds=late), UTC) for late in (0, 98, 99, 3600, 3698, 3699)]
    assert seen == [False, False, True, True, True, False]


def test_a_time_table_hangs_on_the_clock_of_its_place_in_summer_too():
    entry, berlin = table("12:00", "13:00"), ZoneInfo("Europe/Berlin")
    assert entry.holds(datetime(2027, 1, 4, 11, 30, tzinfo=UTC), berlin)
    assert entry.holds(datetime(2027, 7, 5, 10, 30, tzinfo=UTC), berlin)
    assert not entry.holds(datetime(2027, 7, 5, 11, 30, tzinfo=UTC), berlin)


@given(lags=st.lists(st.integers(0, 3600), min_size=1, max_size=3), seconds=st.integers(0, 10**9))
def test_a_time_table_is_looked_at_when_an_entry_may_begin_or_end(lags: list[int], seconds: int):
    entries = tuple(table("00:00", "00:01", lag_seconds=lag) for lag in lags)
    left = Conditions(entries).seconds_to_next(NOON + timedelta(seconds=seconds))
    assert left == min(60 - (seconds - lag) % 60 for lag in lags)


def test_while_the_time_is_not_known_every_entry_holds():
    conditions = Conditions((table("11:00", "11:01"), table("22:00", "23:00", days=frozenset({3}))))
    assert len(list(conditions.limits(Now(0.0, datetime(1970, 1, 1, tzinfo=UTC)), {}))) == 2
    assert list(conditions.limits(Now(0.0, NOON), {})) == []
    assert len(list(conditions.limits(Now(0.0, NOON, known=False), {}))) == 2  # a clock that went on from its last time


def test_a_time_table_begins_and_ends_by_itself():
    settings = CoordinatorSettings((grid(),), tuple(places(1)), "s", conditions=Conditions((table("12:00", "12:02"),)))
    state = coordinator.initial(settings, Now(0.0, NOON - timedelta(seconds=90)))
    mono, wall, seen = 0.0, NOON - timedelta(seconds=90), list[tuple[float, int]]()
    coordinator.step(state, Start(), Now(mono, wall))
    while mono < 300:
        limit = state.circuits[0].limit_ma()[0]
        if not seen or seen[-1][1] != limit:
            seen.append((mono, limit))
        mono, wall = mono + 1.0, wall + timedelta(seconds=1)
        coordinator.step(state, Tick(), Now(mono, wall))
    assert seen == [(0.0, 63_000), (90.0, 10_000), (210.0, 63_000)]


@pytest.mark.rule("B-093")
def test_an_input_lowers_the_limit_while_it_is_active_or_not_known():
    inputs = (InputLimit("grid", each(40_000), "n", 1), InputLimit("grid", each(30_000), "n", 2, active_high=False))
    settings = CoordinatorSettings((grid(),), tuple(places(1)), "s", conditions=Conditions(inputs=inputs))
    state = coordinator.initial(settings, Now(0.0, WALL))
    coordinator.step(state, Start(), Now(0.0, WALL))
    seen = [state.circuits[0].limit_ma()[0]]
    for change in (
        InputChanged("n", 1, high=False),
        InputChanged("n", 2, high=True),
        InputChanged("n", 1, high=True),
        InputChanged("n", 2, high=False),
        InputChanged("n", 2, high=True),
        InputChanged("n", 1, high=None),
        InputChanged("m", 1, high=True),
    ):
        coordinator.step(state, change, Now(1.0, WALL))
        seen.append(state.circuits[0].limit_ma()[0])
    assert seen == [30_000, 30_000, 63_000, 40_000, 30_000, 40_000, 40_000, 40_000]
    assert state.circuits[0].imposed_by[0] is not None
    assert state.circuits[0].imposed_by[0].limit.source == "input 1 of n"


def test_no_limit_is_a_number_too():
    assert HeldLimit(energy("grid", None)).current_ma() == each(FREE_MA)

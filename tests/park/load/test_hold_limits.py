"""Limits of one kind told as a whole: what is new holds at once, what is not told any more goes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load import coordinator
from park.load.limit_rows import LIMIT_TABLE, row_body, row_key
from park.load.limits import HeldLimit
from park.load.state import CoordinatorSettings
from park.model.electric import PerPhase
from park.model.limit import Limit, LimitKind, SetLimit
from park.model.signals import Start
from park.model.standing_limits import HoldLimits
from park.model.storage import Delete, Put, Row, RowsLoaded, Write
from park.model.time import Now
from tests.park.load.boards import WALL, Boards, Vehicle, each, grid, places

NAMES = [place.charge_point for place in places(2)]


def profile(target: str, limit_ma: PerPhase, source: str = "backend profile 1") -> Limit:
    return Limit(target, LimitKind.PROFILE, source, limit_ma)


def hold(*limits: Limit) -> HoldLimits:
    return HoldLimits(LimitKind.PROFILE, limits)


def begun(now: float = 100.0) -> coordinator.CoordinatorState:
    settings = CoordinatorSettings((grid(63_000),), tuple(places(2)), "s", keeps_limits=True)
    state = coordinator.initial(settings, Now(now, WALL))
    coordinator.step(state, Start(), Now(now, WALL))
    return state


def tell(state: coordinator.CoordinatorState, event: coordinator.CoordinatorEvent) -> dict[str, bool]:
    """Names of the limits written, and whether they stay."""
    _, effects = coordinator.step(state, event, Now(101.0, WALL))
    writes = [row for effect in effects if isinstance(effect, Write) for row in effect.writes]
    return {row.key: isinstance(row, Put) for row in writes}


def key(limit: Limit) -> str:
    return row_key(limit.target, limit.kind, limit.source)


def allowed(state: coordinator.CoordinatorState) -> list[int]:
    return [point.allowed_ma() for point in state.points]


@pytest.mark.rule("B-161")
def test_a_profile_lowers_and_never_raises_a_share():
    boards = Boards([grid(20_000, headroom_ma=0, external_fallback_ma=each(0))], places(2)).run(12)
    for name in NAMES:
        boards.arrive(name, Vehicle())
    boards.run(30)
    before = [device.signalled_ma for device in boards.devices.values()]
    boards.tell(hold(profile(NAMES[0], each(6_000)), profile(NAMES[1], each(500_000)), profile("grid", each(900_000))))
    boards.run(30)
    after = [device.signalled_ma for device in boards.devices.values()]
    assert after[0] == 6_000
    assert sum(before) <= 20_000
    assert sum(after) <= 20_000
    assert after[1] <= 14_000


def test_below_what_is_worth_while_a_vehicle_waits():
    boards = Boards([grid(20_000, headroom_ma=0, external_fallback_ma=each(0))], places(2)).run(12)
    for name in NAMES:
        boards.arrive(name, Vehicle())
    worth = replace(profile(NAMES[0], each(32_000)), minimum_ma=12_000)
    boards.tell(hold(worth))
    boards.run(60)
    shares = {device.signalled_ma for device in boards.devices.values()}
    assert boards.devices[NAMES[0]].signalled_ma in {0, *range(12_000, 20_001)}
    assert sum(shares) <= 20_000


def test_a_profile_of_the_whole_park_counts_what_the_charge_points_take():
    """Not what the house takes beside them; all other limits count both."""
    unmetered = replace(grid(63_000, headroom_ma=0, external_fallback_ma=each(30_000)), meter=None)
    boards = Boards([unmetered], places(2)).run(12)
    for name in NAMES:
        boards.arrive(name, Vehicle())
    boards.tell(hold(profile("grid", each(20_000))))
    boards.run(40)
    assert sorted(device.signalled_ma for device in boards.devices.values()) == [10_000, 10_000]
    circuit = boards.state.circuits[0]
    assert circuit.bound_by() == ("profile",) * 3
    assert circuit.available_ma() == each(20_000)
    boards.tell(hold(profile("grid", each(40_000))))
    assert circuit.available_ma() == each(33_000)
    assert circuit.bound_by() == ("external_fallback",) * 3


def test_what_is_told_replaces_all_of_its_kind_and_nothing_else():
    state = begun()
    tell(state, RowsLoaded(()))
    operator = Limit(NAMES[0], LimitKind.OPERATOR, "people", each(20_000))
    tell(state, SetLimit("r", operator))
    first, second = profile(NAMES[0], each(10_000)), profile(NAMES[1], each(8_000), "backend profile 2")
    assert tell(state, hold(first, second)) == {key(first): True, key(second): True}
    assert allowed(state) == [10_000, 8_000]
    assert tell(state, hold(first, second)) == {}  # told again, nothing changes
    other = profile(NAMES[1], each(9_000), "backend profile 3")
    assert tell(state, hold(other)) == {key(first): False, key(second): False, key(other): True}
    assert allowed(state) == [20_000, 9_000]
    assert tell(state, hold()) == {key(other): False}
    assert allowed(state) == [20_000, 32_000]


def test_a_target_that_is_not_there_is_left_out():
    state = begun()
    tell(state, RowsLoaded(()))
    assert tell(state, hold(profile("nowhere/cp1", each(6_000)))) == {}


def test_what_was_told_before_the_disk_answered_stands_and_the_rest_of_its_kind_goes():
    state = begun()
    old, operator = profile(NAMES[0], each(6_000), "gone"), Limit("grid", LimitKind.OPERATOR, "people", each(30_000))
    rows = tuple(Row(LIMIT_TABLE, key(each_), row_body(HeldLimit(each_), "")) for each_ in (old, operator))
    new = profile(NAMES[1], each(7_000))
    tell(state, hold(new))
    assert tell(state, RowsLoaded(rows)) == {key(old): False}
    assert allowed(state) == [32_000, 7_000]
    assert state.circuits[0].limit_ma() == each(30_000)


def test_until_it_is_told_what_held_before_the_restart_holds():
    state = begun()
    old = profile(NAMES[0], each(6_000), "before")
    tell(state, RowsLoaded((Row(LIMIT_TABLE, key(old), row_body(HeldLimit(old), "")),)))
    assert allowed(state) == [6_000, 32_000]
    _, effects = coordinator.step(state, hold(), Now(102.0, WALL))
    assert any(isinstance(row, Delete) for effect in effects if isinstance(effect, Write) for row in effect.writes)
    assert allowed(state) == [32_000, 32_000]

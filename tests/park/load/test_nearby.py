"""A plan for one row, when only a wish there has changed, is what a plan for all finds."""

from __future__ import annotations

import copy
import random

import pytest
from msgspec.structs import replace

from park.load import limiting
from park.load.circuit import Circuit, Placement
from park.load.coordinator import Recompute, step
from park.load.nearby import plan_near
from park.load.planning import plan
from park.load.rotation import MINIMUM_ON_SECONDS, next_turn
from park.load.standing import Point
from park.load.state import CoordinatorState
from park.model.demand import DemandChanged
from park.model.electric import MINIMUM_CURRENT_MA
from park.model.grant import ApplyGrant
from tests.park.load.boards import Boards, Vehicle, each, operator_limit
from tests.park.load.test_memory import PARKS, forgetful, happens, rows


def bare(connection: int) -> tuple[list[Circuit], list[Placement]]:
    """Rows whose charge points fall to nothing."""
    circuits, points = rows(connection)
    return circuits, [replace(point, fallback_ma=0) for point in points]


def nested() -> tuple[list[Circuit], list[Placement]]:
    """A charge point hangs on the circuit above some of the rows."""
    circuits, points = rows(500_000)
    circuits = [circuits[0], Circuit("floor", each(90_000), "grid"), *circuits[1:]]
    circuits = [replace(each_, parent="floor") if each_.name in {"row0", "row1"} else each_ for each_ in circuits]
    return circuits, [*points, Placement("n9/cp9", "n9", "floor", meter="m9")]


WIDE = {
    "a wide connection": rows(500_000),
    "no lapse currents": bare(500_000),
    "circuits on circuits": nested(),
    "a connection that is tight at times": rows(75_000),
}


def somebody_moves(world: Boards, draws: random.Random) -> None:
    name = draws.choice(list(world.devices))
    if draws.random() < 0.5:
        world.arrive(name, Vehicle(phases=draws.choice((1, 2, 3)), maximum_ma=draws.choice((10_000, 16_000, 32_000))))
    else:
        world.leave(name)


def wish_of(point: Point, **changes: object) -> DemandChanged:
    nothing = DemandChanged(point.placement.charge_point, False, 3, MINIMUM_CURRENT_MA, 32_000, False, 0.0)
    return replace(point.demand or nothing, **changes)  # type: ignore[arg-type]


def wishes_change(state: CoordinatorState, now: float, draws: random.Random) -> None:
    """One or two vehicles come, go, or want something else."""
    for point in draws.sample(state.points, draws.choice((1, 1, 2))):
        phases, most = draws.choice((1, 2, 3)), draws.choice((6_000, 10_000, 16_000, 32_000))
        wants = not point.wants if draws.random() < 0.7 else point.wants
        point.wishes(wish_of(point, wants=wants, phases_used=phases, maximum_ma=most, since=now), now)
        state.touched.add(point)


def planned(state: CoordinatorState) -> list[tuple[object, ...]]:
    def of(point: Point) -> tuple[object, ...]:
        return (
            point.placement.charge_point,
            point.target_ma,
            point.target_lapse_ma,
            point.reason,
            point.reserve,
            point.charging_since,
            point.waiting_since,
            point.shed_at,
            point.made_room,
        )

    return [of(point) for point in state.points]


@pytest.mark.parametrize("what", WIDE | PARKS)
def test_s7_a_plan_for_a_row_finds_what_a_plan_for_all_finds(what: str):
    circuits, points = (WIDE | PARKS)[what]
    draws = random.Random(what)
    world = Boards(circuits, points, noise_ma=300)
    near = 0
    for _ in range(25):
        (somebody_moves if what in WIDE and draws.random() < 0.9 else happens)(world, draws)
        world.run(draws.choice((0.3, 2.0, 11.0)))
        ours = copy.deepcopy(world.state)
        for _ in range(4):  # one plan near after the other: what is remembered is that of the plan before
            if ours.stale_plan:
                break
            wishes_change(ours, world.now, draws)
            anew = forgetful(ours)
            before = anew.replan_at
            plan(anew, world.now)
            if plan_near(ours, world.now) is None:
                plan(ours, world.now)
            else:
                near += 1
                assert ours.replan_at <= max(before, anew.replan_at)
            assert planned(ours) == planned(anew)
            assert ours.reserve_restored_at == anew.reserve_restored_at
            assert ours.parts.shares == anew.parts.shares
            assert not ours.needs_plan
    assert near > 10 or what not in WIDE


@pytest.mark.parametrize("what", ["a tight connection", "a tight balance"])
def test_what_concerns_others_is_planned_for_all(what: str):
    circuits, points = PARKS[what]
    world = Boards(circuits, points)
    for name in list(world.devices)[:-1]:
        world.arrive(name, Vehicle(phases=3))
    world.run(40.0)
    *_, last = world.state.points
    last.wishes(wish_of(last, wants=True), world.now)
    world.state.touched.add(last)
    assert plan_near(world.state, world.now) is None
    grants = [effect for effect in step(world.state, Recompute(), world.clock())[1] if isinstance(effect, ApplyGrant)]
    assert len({effect.grant.charge_point for effect in grants}) > 2, "the other rows give way too"


def test_room_that_changed_elsewhere_is_no_plan_for_a_row():
    circuits, points = WIDE["a wide connection"]
    world = Boards(circuits, points)
    for name in world.devices:
        world.arrive(name, Vehicle(phases=3))
    world.run(40.0)
    state = world.state
    limiting.take(state, operator_limit("row3", each(9_000)), world.clock())
    assert not state.stale_plan, "nobody said so yet"
    point = state.points[0]
    point.wishes(wish_of(point, maximum_ma=8_000), world.now)
    state.touched.add(point)
    assert plan_near(state, world.now) is None


def test_nobody_is_planned_near_past_the_moment_when_a_turn_changes_by_itself():
    circuits, points = WIDE["a wide connection"]
    world = Boards(circuits, points)
    end = next_turn(world.now, world.settings.rotation_seconds)
    world.run(end - 5.0 - world.now)
    first, other, *_ = world.devices
    world.arrive(first, Vehicle(phases=3))
    world.run(20.0)
    state = world.state
    began = state.points_by_name[first].charging_since
    assert began is not None
    assert end - 5.0 <= began < end
    plan(state, world.now)
    assert state.near_until == began + MINIMUM_ON_SECONDS
    world.run(state.near_until - 0.2 - world.now)
    point = state.points_by_name[other]
    point.wishes(wish_of(point, wants=True), world.now)
    state.touched.add(point)
    assert plan_near(copy.deepcopy(state), state.near_until) is None
    assert plan_near(state, world.now) is not None
    world.run(end + MINIMUM_ON_SECONDS - world.now)
    plan(state, world.now)
    assert state.near_until == next_turn(end, world.settings.rotation_seconds)


def test_the_neighbour_gives_way_with_the_plan_for_the_row():
    circuits, points = WIDE["a wide connection"]
    world = Boards(circuits, points)
    for name in list(world.devices)[::2]:
        world.arrive(name, Vehicle(phases=3))
    world.run(40.0)
    state = world.state
    newcomer = state.points_by_name["n1/cp3"]
    step(state, wish_of(newcomer, wants=True), world.clock())
    assert state.touched == {newcomer}
    assert not state.stale_plan
    _, effects = step(state, Recompute(), world.clock())
    grants = {effect.grant.charge_point: effect.grant.amps_ma for effect in effects if isinstance(effect, ApplyGrant)}
    assert grants == {"n1/cp2": 12_500}
    assert (newcomer.target_ma, newcomer.reason[0].circuit) == (12_500, "row1")

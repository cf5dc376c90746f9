"""Each test is a short day on simulated boards (see boards.py): what the pilots signal is what counts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load import coordinator
from park.load.circuit import Circuit
from park.load.coordinator import Recompute
from park.load.report import EpochTaken
from park.load.state import CoordinatorSettings
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.electric import PerPhase, Wiring
from park.model.grant import ApplyGrant, Stamp
from park.model.limit import ClearLimit, Limit, LimitKind, SetLimit
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import Write
from park.model.time import Now
from tests.park.load.boards import WALL, Boards, Vehicle, each, grid, operator_limit, places


def signals(world: Boards) -> list[float]:
    return [device.signalled_ma / 1000 for device in world.devices.values()]


def steady(limit: int = 41_000, house: int = 0, count: int = 3, **settings: object) -> Boards:
    """A connection with 1 A headroom and a constant house, settled."""
    circuit = grid(limit, external_fallback_ma=each(house))
    return Boards([circuit], places(count), house=lambda _: each(house), **settings).run(12)  # type: ignore[arg-type]


def with_cars(world: Boards, *vehicles: Vehicle, seconds: float = 30) -> Boards:
    for name, vehicle in zip(world.devices, vehicles, strict=False):
        world.arrive(name, vehicle)
    world.run(seconds)
    assert not world.violations
    return world


@pytest.mark.rule("B-095")
def test_a_newly_ready_vehicle_is_served_at_once():
    world = steady()
    world.arrive("n/cp1")
    world.run(0.1)
    assert signals(world)[0] == 28  # the others' lapse currents (6 A each) count until they gave them up
    world.run(8)
    assert signals(world)[0] == 32


@pytest.mark.rule("B-154")
def test_two_cars_share_and_the_first_gives_way_before_the_second_gets_more():
    world = with_cars(steady(), Vehicle())
    world.arrive("n/cp2")
    world.run(0.2)
    assert signals(world)[:2] == [20, 8]  # 40 A available, 32 A still flowing: the newcomer begins with what is left
    world.run(12)
    assert signals(world)[:2] == [20, 20]
    assert not world.violations


def test_a_car_that_leaves_makes_room_within_two_intervals():
    """One passes while the meter of the circuit still shows what it took."""
    world = with_cars(steady(), Vehicle(), Vehicle())
    world.leave("n/cp1")
    world.run(4.2)
    assert signals(world)[:2] == [0, 32]


@pytest.mark.rule("B-407", "B-409")
def test_one_and_three_phase_cars_share_each_phase():
    placements = [replace(p, wiring=w) for p, w in zip(places(3), (Wiring.RST, Wiring.STR, Wiring.TRS), strict=True)]
    world = Boards([grid(41_000, external_fallback_ma=(0, 0, 0))], placements).run(12)
    with_cars(world, Vehicle(), Vehicle(phases=1), Vehicle(phases=1, maximum_ma=16_000))
    assert signals(world) == [20, 20, 16]  # L1, L2, L3 + L2 + L3


@pytest.mark.rule("B-087", "B-262")
def test_an_operator_limit_acts_below_the_design_limit_only():
    world = with_cars(steady(), Vehicle(), Vehicle())
    world.limit("grid", (21_000, 21_000, 21_000))
    world.run(0.1)
    assert signals(world)[:2] == [10, 10]
    world.limit("grid", (500_000, 500_000, 500_000))
    world.run(15)
    assert signals(world)[:2] == [20, 20]
    assert world.reports["grid"].limit_ma == each(41_000)
    world.tell(SetLimit("", Limit("grid", LimitKind.OPERATOR, "app", each(21_000))))
    assert world.grants[-1][1].reason[0].source == "app"
    world.tell(ClearLimit("", "grid", LimitKind.OPERATOR, "app"))
    world.tell(ClearLimit("", "nowhere", LimitKind.OPERATOR, "app"))
    world.run(15)
    assert signals(world)[:2] == [20, 20]


def test_a_limit_too_small_for_all_sheds_the_longest_charging_and_takes_it_back_later():
    world = steady()
    for name in world.devices:
        world.arrive(name)
        world.run(20)
    world.limit("grid", each(12_000))
    world.run(10)
    assert signals(world) == [0, 0, 11]
    world.run(60)
    assert signals(world) == [0, 0, 11]  # nobody toggles
    world.limit("grid", each(41_000))
    world.run(45)
    assert min(signals(world)) > 13
    assert not world.violations


def test_a_house_load_step_is_answered_within_three_seconds():
    level = [0]
    world = Boards([grid(41_000, external_fallback_ma=each(0))], places(2), house=lambda _: each(level[0])).run(12)
    with_cars(world, Vehicle(), Vehicle())
    level[0] = 20_000
    world.run(3)
    assert signals(world) == [10, 10]
    level[0] = 60_000
    world.run(3)
    assert signals(world) == [0, 0]


@pytest.mark.rule("B-092")
def test_a_lost_meter_means_the_fallback_load():
    world = Boards([grid(41_000, external_fallback_ma=each(20_000))], places(2)).run(25)
    with_cars(world, Vehicle(), Vehicle())
    assert signals(world) == [20, 20]
    world.lose_meter("grid-meter")
    world.run(6)
    assert signals(world) == [10, 10]


def test_a_vehicle_that_overdraws_is_counted_at_what_it_draws():
    world = with_cars(steady(), Vehicle(overdraw=1.0), Vehicle(overdraw=1.1), seconds=60)
    assert world.reports["grid"].committed_ma[0] <= 40_000
    assert signals(world)[0] + 1.1 * signals(world)[1] <= 40.0
    assert signals(world)[0] > 18.5


def test_a_vehicle_that_ignores_the_pilot_makes_the_others_give_way():
    world = with_cars(steady(), Vehicle(), Vehicle())
    world.devices["n/cp2"].vehicle.obeys = False  # type: ignore[union-attr]  # goes on with 20 A
    world.limit("grid", each(27_000))
    world.run(10)
    assert signals(world)[0] in {0, 6}


@pytest.mark.rule("B-404", "B-408")
def test_what_a_car_does_not_draw_goes_to_others_and_is_offered_back():
    world = with_cars(steady(), Vehicle(appetite_ma=9_000), Vehicle(), seconds=100)
    assert signals(world)[:2] == [10, 30]
    world.devices["n/cp1"].vehicle.appetite_ma = None  # type: ignore[union-attr]
    world.devices["n/cp1"].drawn_ma = 10_000
    world.run(120)
    assert signals(world)[:2] == [20, 20]
    assert not world.violations


def test_a_full_car_keeps_its_minimum_only():
    world = with_cars(steady(), Vehicle(appetite_ma=0), Vehicle(), seconds=100)
    assert signals(world)[:2] == [6, 32]


@pytest.mark.rule("B-159")
def test_the_share_of_a_car_without_demand_is_the_others_after_the_time_of_the_park():
    world = with_cars(steady(unused_seconds=900.0), Vehicle(appetite_ma=0), Vehicle(), seconds=880)
    assert signals(world)[:2] == [20, 20]
    world.run(60)
    assert signals(world)[:2] == [6, 32]
    assert not world.violations


def test_leases_are_renewed_for_those_who_hold_something_and_for_nobody_else():
    world = with_cars(steady(), Vehicle())
    before = len(world.grants)
    world.run(30)
    renewed = {grant.charge_point for _, grant in world.grants[before:]}
    assert renewed == {"n/cp1"}
    assert len(world.grants) - before == 10


@pytest.mark.rule("B-090")
def test_a_board_cut_off_falls_to_its_lapse_current_and_the_rest_goes_on():
    placements = [*places(1, "a"), *places(1, "b")]
    world = Boards([grid(41_000, external_fallback_ma=each(0))], placements).run(12)
    with_cars(world, Vehicle(), Vehicle())
    world.links["a"].cut = True
    world.run(10.5)
    assert signals(world) == [6, 20]
    world.run(12)
    assert signals(world) == [6, 28]  # the 6 A may be the house's, and its vehicle about to begin
    world.links["a"].cut = False
    world.report("a/cp1")
    world.run(15)
    assert signals(world) == [20, 20]
    assert not world.violations


def cut_off(vehicle: Vehicle, seconds: float) -> PerPhase:
    """What a charge point with a lapse current of 6 A counts with so long after its board was heard last."""
    placements = [*places(1, "a"), *places(1, "b")]
    world = Boards([grid(41_000, external_fallback_ma=each(0))], placements).run(12)
    with_cars(world, vehicle, Vehicle())
    world.links["a"].cut = True
    world.run(seconds)
    assert not world.violations
    return world.state.points_by_name["a/cp1"].committed_ma(world.clock().mono)


SILENCE = 10.5 + 1 + 5.25  # lease and guard and reaction


@pytest.mark.parametrize(
    ("vehicle", "amps"),
    [
        pytest.param(Vehicle(), 6, id="follows"),
        pytest.param(Vehicle(overdraw=1.04), 7, id="a little above"),
        pytest.param(Vehicle(phases=1), 6, id="one phase"),
    ],
)
def test_what_the_meter_of_a_silent_board_told_last_is_over_once_its_vehicle_has_followed(vehicle: Vehicle, amps: int):
    assert max(cut_off(vehicle, SILENCE - 3)) >= 20_000
    assert max(cut_off(vehicle, SILENCE + 1)) == amps * 1000


def test_nothing_surely_flows_to_a_silent_board():
    world = with_cars(Boards([grid(41_000, external_fallback_ma=each(0))], places(1, "a")).run(12), Vehicle())
    point = world.state.points_by_name["a/cp1"]
    assert min(point.surely_ma(world.clock().mono)) > 30_000
    world.links["a"].cut = True
    world.run(5)
    assert point.surely_ma(world.clock().mono) == each(0)


def test_a_vehicle_that_did_not_follow_counts_with_what_it_drew_for_as_long_as_nothing_is_heard():
    placements = [*places(1, "a"), *places(1, "b")]
    world = with_cars(Boards([grid(41_000, external_fallback_ma=each(0))], placements).run(12), Vehicle())
    world.devices["a/cp1"].vehicle = Vehicle(obeys=False)  # it draws 32 A, and goes on to
    world.arrive("b/cp1")
    world.run(12)
    assert signals(world)[0] < 20
    world.links["a"].cut = True
    world.run(120)
    assert max(world.state.points_by_name["a/cp1"].committed_ma(world.clock().mono)) >= 32_000


def test_lost_grants_and_lost_confirmations_are_repeated():
    world = steady(seed=3)
    world.links["n"].lost_down = world.links["n"].lost_up = 0.5
    for name in world.devices:
        world.arrive(name)
    world.run(60)
    world.links["n"].lost_down = world.links["n"].lost_up = 0.0
    world.run(15)
    assert min(signals(world)) >= 13.2  # what once looked foreign (0.25 A) is forgotten in steps of 0.5 A
    assert not world.violations


def test_a_coordinator_that_starts_grants_nothing_until_everybody_reported():
    world = with_cars(steady(count=2), Vehicle(), Vehicle(), seconds=30.5)
    world.start_coordinator(epoch=2)
    before = len(world.grants)
    world.wish("n/cp1")
    world.report("n/cp1")
    world.run(5)
    assert len(world.grants) == before
    world.report("n/cp2")
    world.wish("n/cp2")
    world.run(12)
    assert signals(world) == [20, 20]
    assert not world.violations


def test_one_silent_board_holds_the_start_up_one_lease_and_guard_only():
    placements = [*places(1, "a"), *places(1, "b")]
    world = Boards([grid(41_000, external_fallback_ma=each(0))], placements)
    world.links["b"].cut = True
    world.run(1)
    world.arrive("a/cp1")
    world.run(10)
    assert signals(world) == [0, 0]
    world.run(1.5)
    assert signals(world)[0] >= 6
    world.run(10)
    assert signals(world)[0] == 32


def test_a_reboot_of_a_board_ends_its_grants_and_new_ones_follow():
    world = with_cars(steady(), Vehicle())
    world.reboot("n")
    assert signals(world)[0] == 0
    world.run(10)
    assert signals(world)[0] == 32


def test_idle_points_keep_a_lapse_current_unless_somebody_needs_it():
    world = steady()
    assert [device.lapse_ma for device in world.devices.values()] == [6_000, 6_000, 6_000]
    with_cars(world, Vehicle())
    assert [device.lapse_ma for device in world.devices.values()] == [6_000, 0, 0]
    assert signals(world)[0] == 32
    world.leave("n/cp1")
    world.run(80)
    assert [device.lapse_ma for device in world.devices.values()] == [6_000, 6_000, 6_000]


def test_the_same_inputs_move_no_target():
    """S8 with meters that jitter by 0.1 A."""
    level = 15_000
    world = Boards([grid(41_000, external_fallback_ma=each(0))], places(3), house=lambda _: each(level), noise_ma=100)
    with_cars(world.run(12), Vehicle(), Vehicle(), Vehicle(), seconds=60)
    for device in world.devices.values():
        device.changes.clear()
    world.run(300)
    assert max(len(device.changes) for device in world.devices.values()) <= 2
    assert not world.violations


def test_a_dead_vehicle_wish_of_an_unknown_point_or_board_is_ignored():
    world = steady()
    sent = len(world.grants)
    world.tell(DemandChanged("x", True, 3, 6_000, 32_000, True, 0.0))
    world.tell(CurrentSignalled("x", 0, 0, 0, 0, True, 0.0))
    world.tell(BoardHeartbeat(Stamp("x", "b", 1.0), ()))
    assert len(world.grants) == sent


def test_a_later_epoch_of_our_own_is_outbid_after_a_wait():
    world = with_cars(steady(), Vehicle())
    stamp = Stamp("n", "boot1", world.board_clock("n"))
    _, effects = coordinator.step(world.state, BoardHeartbeat(stamp, (), 7, "s"), world.clock())
    assert EpochTaken(8) in effects
    grants = len(world.grants)
    world.run(1)
    assert len(world.grants) == grants
    for name in world.devices:
        world.report(name)
    world.run(12)
    assert world.grants[-1][1].epoch == 8
    assert signals(world)[0] == 32
    assert not world.violations


def test_an_old_stamp_makes_no_lease_look_young():
    world = with_cars(steady(), Vehicle())
    newest = world.state.boards["n"].stamp
    world.tell(BoardHeartbeat(Stamp("n", "boot1", 1.0), ()))
    assert world.state.boards["n"].stamp == newest


def test_a_grant_says_why():
    world = with_cars(steady(41_000, house=5_000), Vehicle(), Vehicle())
    newest = {grant.charge_point: grant for _, grant in world.grants}
    binding, share = newest["n/cp1"].reason
    assert (binding.limit, binding.source, binding.circuit, binding.phase) == (
        "external_load",
        "meter grid-meter",
        "grid",
        "L1",
    )
    assert binding.available_ma == 35_000
    assert (share.limit, share.source) == ("share", "2 charging")
    assert world.reports["grid"].bound_by == ("external_load",) * 3


def test_the_order_of_the_configuration_changes_no_grant():
    """S7 for the whole coordinator."""
    told: list[list[tuple[str, int]]] = []
    for placements in (places(4), places(4)[::-1]):
        settings = CoordinatorSettings((grid(30_000, external_fallback_ma=each(0)),), tuple(placements), "s")
        state, now = coordinator.initial(settings, Now(0.0, WALL)), Now(1.0, WALL)
        events = [BoardHeartbeat(Stamp("n", "b", 1.0), ())]
        events += [CurrentSignalled(f"n/cp{n}", 0, 0, 0, 0, True, 0.0) for n in range(1, 5)]
        events += [DemandChanged(f"n/cp{n}", True, 3, 6_000, 32_000, False, 0.5) for n in range(1, 5)]
        for event in events:
            coordinator.step(state, event, now)
        _, effects = coordinator.step(state, Tick(), Now(2.0, WALL))
        told.append([(e.grant.charge_point, e.grant.amps_ma) for e in effects if isinstance(e, ApplyGrant)])
    assert told[0] == told[1]


def test_all_that_waits_is_answered_by_one_plan():
    world = with_cars(steady(30_000), Vehicle(), Vehicle())
    now, state = world.clock(), world.state
    limits = [operator_limit("grid", each(amps)) for amps in (29_000, 25_000, 20_000)]
    effects = [effect for limit in limits for effect in coordinator.step(state, limit, now)[1]]
    asked = [effect for effect in effects if not isinstance(effect, Write)]
    assert asked == [Recompute()]
    _, effects = coordinator.step(state, Recompute(), now)
    lowered = {effect.grant.charge_point: effect.grant.amps_ma for effect in effects if isinstance(effect, ApplyGrant)}
    assert lowered == {"n/cp1": 9_500, "n/cp2": 9_500}
    assert Recompute() in coordinator.step(state, limits[0], now)[1]


def test_who_left_before_the_plan_is_raised_by_none():
    world = steady(30_000).run(12)
    now, state = world.clock(), world.state
    came = DemandChanged("n/cp1", True, 3, 6_000, 32_000, False, world.now)
    coordinator.step(state, came, now)
    coordinator.step(state, replace(came, wants=False), now)
    _, effects = coordinator.step(state, Recompute(), now)
    assert not [effect for effect in effects if isinstance(effect, ApplyGrant)]


def test_grants_are_fenced_and_ordered():
    world = with_cars(steady(), Vehicle(), Vehicle())
    sequences = [grant.sequence for _, grant in world.grants]
    assert sequences == sorted(set(sequences))
    assert {(grant.epoch, grant.server_id) for _, grant in world.grants} == {(1, "s")}


def test_a_deadline_that_cannot_be_met_now_is_no_busy_loop():
    """The wait after another server's voice holds back the plan that a deadline asks for."""
    world = with_cars(steady(), Vehicle())
    world.state.replan_at = world.now - 1.0
    world.tell(BoardHeartbeat(Stamp("n", "boot1", world.board_clock("n")), (), 7, "other"))
    _, effects = coordinator.step(world.state, Tick(), world.clock())
    (wake,) = [effect for effect in effects if isinstance(effect, WakeAt)]
    assert wake.mono > world.now


def test_a_sub_circuit_binds_its_own_points_and_its_parent_all():
    hall = Circuit("hall", each(20_000), parent="grid")
    placements = [replace(p, circuit="hall" if n < 2 else "grid") for n, p in enumerate(places(4))]
    world = Boards([grid(53_000, external_fallback_ma=each(0)), hall], placements).run(12)
    with_cars(world, *[Vehicle() for _ in range(4)])
    assert signals(world) == [10, 10, 16, 16]
    assert world.grants[-1][1].charge_point == "n/cp4"
    newest = {grant.charge_point: grant.reason[0].circuit for _, grant in world.grants}
    assert newest == {"n/cp1": "hall", "n/cp2": "hall", "n/cp3": "grid", "n/cp4": "grid"}


def test_ticks_early_late_and_often_do_no_harm():
    world = with_cars(steady(), Vehicle())
    state = world.state
    for offset in (0.0, 0.0, 0.1, 5.0):
        state, effects = coordinator.step(state, Tick(), replace(world.clock(), mono=world.now + offset))
        (wake,) = [effect for effect in effects if isinstance(effect, WakeAt)]
        assert wake.mono > world.now + offset
    state, effects = coordinator.step(state, Start(), world.clock())
    assert effects
    assert world.clock().wall == WALL


@pytest.mark.rule("B-091")
@pytest.mark.parametrize(("phases", "signalled"), [(1, 10_000), (2, 10_000), (3, 31_000)])
def test_s6_vehicles_behind_unknown_wiring_count_together_on_one_phase(phases: int, signalled: int):
    balanced = grid(imbalance_ma=20_000, external_fallback_ma=(0, 0, 0))
    boards = Boards([balanced], places(2, wiring=Wiring.UNKNOWN))
    boards.run(12)
    for name in boards.devices:
        boards.arrive(name, Vehicle(phases=phases))
    boards.run(60)
    assert [device.signalled_ma for device in boards.devices.values()] == [signalled, signalled]


def test_s6_a_silent_vehicle_behind_unknown_wiring_may_be_on_any_phase():
    balanced = grid(imbalance_ma=20_000, external_fallback_ma=(0, 0, 0))
    silent = places(1, "silent", wiring=Wiring.UNKNOWN)
    boards = Boards([balanced], [*silent, *places(1, phases=1)])
    boards.run(12)
    boards.arrive("silent/cp1", Vehicle(phases=1))
    boards.run(40)
    boards.links["silent"].cut = True
    boards.run(4)
    boards.arrive("n/cp1", Vehicle(phases=1))
    boards.run(3)
    assert boards.devices["silent/cp1"].signalled_ma == 20_000
    assert boards.devices["n/cp1"].signalled_ma == 0


def test_a_grant_of_an_earlier_coordinator_that_comes_late_finds_no_room_given_away():
    """It is under way to a board while the next one has heard from all: the way down stands still, the way up does not.

    Found by the decision soak.
    """
    points = [*places(1, "late", fallback_ma=0), *places(1, "near", fallback_ma=0)]
    world = Boards([grid(41_000, external_fallback_ma=each(0))], points).run(12)
    world.links["late"].lost_down = 1.0
    world.arrive("late/cp1")
    world.run(0.2)
    (under_way,) = [grant for _, grant in world.grants if grant.charge_point == "late/cp1" and grant.amps_ma]
    assert under_way.amps_ma == 32_000
    world.start_coordinator(2)
    for name in world.devices:
        world.report(name)
    world.arrive("near/cp1")
    world.at(world.now + 8.0, lambda: world._receive(under_way))
    world.run(30)
    assert not world.violations
    assert world.devices["near/cp1"].signalled_ma == 32_000


def test_a_first_start_serves_as_soon_as_all_boards_have_confirmed():
    world = Boards([grid(41_000, external_fallback_ma=each(0))], places(3))
    world.arrive("n/cp1")
    world.run(0.4)
    assert world.devices["n/cp1"].signalled_ma >= 6_000


def test_a_board_that_booted_gets_its_grant_again_only_where_there_is_room():
    """For the coordinator it is in force all along, for the board it is a raise from nothing."""
    level = [0]
    points = [*places(1, "booted", fallback_ma=0), *places(1, "near", fallback_ma=0)]
    circuit = grid(41_000, external_fallback_ma=each(0))
    world = with_cars(Boards([circuit], points, house=lambda _: each(level[0])).run(12), Vehicle(), Vehicle())
    assert signals(world) == [20, 20]
    world.reboot("booted")
    level[0] = 20_000  # what was there for both is there for none, until both were lowered
    before = len(world.grants)
    world.run(5.0)
    assert "booted/cp1" not in {grant.charge_point for _, grant in world.grants[before:] if grant.amps_ma}
    world.run(8.5)
    assert not world.violations
    assert signals(world) == [10, 10]


def test_a_board_that_booted_has_its_share_again_soon():
    """Its vehicles drew nothing for a moment, which looks like foreign load until their own meters are read."""
    world = with_cars(steady(), Vehicle(), Vehicle())
    world.reboot("n")
    world.run(10.0)
    assert signals(world)[:2] == [20, 20]
    assert not world.violations

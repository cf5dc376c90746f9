"""Raises beside a vehicle that draws more than it is offered: its excess grows with its own raise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load.circuit import Circuit
from park.load.raising import Offer, affordable, wants_raise, without_harm
from park.load.standing import Point
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.electric import Wiring
from tests.park.load.boards import Boards, Vehicle, each, grid, places

LIMIT_MA = 55_000
SLOW_SECONDS = 4.5  # within the reaction time a vehicle may take


def falls_to(world: Boards, point: Point, lapse_ma: int) -> None:
    """Its device signals nothing and has this lapse current."""
    newest = point.commitment.leases.newest_sequence
    report = CurrentSignalled(point.placement.charge_point, 0, lapse_ma, 0, newest, contactor_open=True, mono=world.now)
    point.commitment.reported(report, newest, world.now)


def holds(point: Point, current_ma: int) -> None:
    """It signals this, and was told nothing yet."""
    point.sent, point.commitment.signalled_ma = None, current_ma


def test_a_raise_into_a_vehicles_own_overdraw_is_not_free():
    points = places(4)
    world = Boards([grid(LIMIT_MA, external_fallback_ma=each(0), meter=None, headroom_ma=0)], points)
    for point in points[:3]:
        world.arrive(point.charge_point)
    world.arrive(points[3].charge_point, Vehicle(overdraw=1.08))
    world.run(60.0)
    full = world.devices[points[0].charge_point]
    assert full.vehicle is not None
    full.vehicle.reaction = SLOW_SECONDS
    before = world.devices[points[3].charge_point].signalled_ma
    world.tell(DemandChanged(points[0].charge_point, False, 3, 6_000, 32_000, True, world.now))
    peak = 0
    for _ in range(50):
        world.run(0.1)
        peak = max(peak, *world.own_ma("grid"))
    assert peak <= LIMIT_MA
    world.run(10.0)
    assert world.devices[points[3].charge_point].signalled_ma > before, "once the other has let go"


# ------------------------------------------------------------ what fits now


def settled(limit_ma: int, count: int = 3, resolution_ma: int = 100) -> Boards:
    """Idle charge points whose lapse currents were taken away, so that nothing is promised to anybody."""
    circuit = grid(limit_ma, headroom_ma=0, meter=None, external_fallback_ma=each(0))
    return Boards([circuit], places(count, fallback_ma=0, resolution_ma=resolution_ma)).run(12)


def wishing(world: Boards, **target_ma: int) -> list[Point]:
    """These charge points want to charge and are planned so much; nothing was sent to them yet."""
    points = [world.state.points_by_name[f"n/{name}"] for name in target_ma]
    for point, target in zip(points, target_ma.values(), strict=True):
        name = point.placement.charge_point
        point.wishes(DemandChanged(name, True, 3, 6_000, 32_000, True, world.now), world.now)
        point.target_ma = target
    return points


def offered(world: Boards, points: list[Point]) -> dict[str, tuple[int, int]]:
    offers = affordable(world.state, points, world.now)
    return {offer.point.placement.charge_point[2:]: (offer.amps_ma, offer.lapse_ma) for offer in offers}


def test_all_rise_to_their_targets_where_there_is_room():
    world = settled(40_000)
    assert offered(world, wishing(world, cp1=20_000, cp2=20_000)) == {"cp1": (20_000, 0), "cp2": (20_000, 0)}


def test_all_rise_together_where_there_is_not():
    world = settled(30_000)
    assert offered(world, wishing(world, cp1=20_000, cp2=20_000)) == {"cp1": (15_000, 0), "cp2": (15_000, 0)}


def test_a_minimum_that_just_fits_is_given_and_one_that_does_not_waits():
    world = settled(12_000)
    assert offered(world, wishing(world, cp1=6_000, cp2=6_000, cp3=6_000)) == {"cp1": (6_000, 0), "cp2": (6_000, 0)}
    world = settled(5_900)
    assert offered(world, wishing(world, cp1=6_000)) == {}


def test_a_minimum_that_fits_is_given_where_the_lapse_current_would_not():
    world = settled(6_500)
    (point,) = wishing(world, cp1=20_000)
    point.target_lapse_ma = 8_000
    assert offered(world, [point]) == {"cp1": (6_500, 6_500)}


def test_one_phase_that_is_full_is_enough_to_wait():
    circuit = Circuit("grid", (10_000, 5_900, 10_000))
    world = Boards([circuit], places(1, fallback_ma=0)).run(12)
    assert offered(world, wishing(world, cp1=10_000)) == {}


def test_the_higher_class_is_seated_first_then_the_longest_waiting_then_by_name():
    world = settled(6_000)
    first, second, third = wishing(world, cp1=6_000, cp2=6_000, cp3=6_000)
    first.waiting_since, second.waiting_since, third.waiting_since = 5.0, 3.0, 4.0
    assert offered(world, [first, second, third]) == {"cp2": (6_000, 0)}
    third.placement = replace(third.placement, priority=1)
    assert offered(world, [first, second, third]) == {"cp3": (6_000, 0)}
    third.placement = replace(third.placement, priority=-1)
    second.waiting_since = 5.0
    assert offered(world, [third, second, first]) == {"cp1": (6_000, 0)}


def test_a_raise_is_rounded_down_to_the_step_of_the_pilot():
    world = settled(15_900, resolution_ma=1_000)
    assert offered(world, wishing(world, cp1=20_000)) == {"cp1": (15_000, 0)}


def test_the_lapse_current_of_a_raise_is_no_more_than_the_raise():
    world = settled(40_000)
    (point,) = wishing(world, cp1=8_000)
    point.target_lapse_ma = 6_000
    assert offered(world, [point]) == {"cp1": (8_000, 6_000)}
    point.target_lapse_ma = 9_000
    assert offered(world, [point]) == {"cp1": (8_000, 8_000)}


def test_an_idle_point_has_its_lapse_current_only_from_what_the_raises_left():
    world = settled(20_000)
    (rising,) = wishing(world, cp1=14_000)
    idle, other = (world.state.points_by_name[f"n/cp{number}"] for number in (2, 3))
    idle.target_lapse_ma = other.target_lapse_ma = 6_000
    assert offered(world, [rising, idle, other]) == {"cp1": (14_000, 0), "cp2": (0, 6_000)}
    rising.target_ma = 14_100
    assert offered(world, [rising, idle, other]) == {"cp1": (14_100, 0)}


def test_a_lapse_current_that_is_promised_already_costs_nothing_more():
    world = settled(6_000)
    idle = world.state.points_by_name["n/cp1"]
    falls_to(world, idle, 6_000)
    idle.target_lapse_ma = 6_000
    assert offered(world, [idle]) == {"cp1": (0, 6_000)}


def test_a_raise_up_to_what_is_promised_costs_nothing():
    """Its lapse current is counted anyway: a grant of as much fits a circuit that is full."""
    world = settled(10_000)
    (point,) = wishing(world, cp1=10_000)
    falls_to(world, point, 8_000)
    assert point.promised_ma(world.now) == 8_000
    assert offered(world, [point]) == {"cp1": (10_000, 0)}


def test_also_where_nothing_at_all_is_left():
    world = settled(10_000)
    (point,) = wishing(world, cp1=10_000)
    falls_to(world, point, 8_000)
    holds(point, 0)
    falls_to(world, world.state.points_by_name["n/cp2"], 2_000)
    assert offered(world, [point]) == {"cp1": (8_000, 0)}


def test_who_holds_what_it_may_have_is_sent_nothing():
    world = settled(40_000)
    (point,) = wishing(world, cp1=8_000)
    holds(point, 8_000)
    assert offered(world, [point]) == {}


def test_a_minimum_and_a_lapse_current_that_just_fit_are_both_given():
    world = settled(12_000)
    (rising,) = wishing(world, cp1=6_000)
    idle = world.state.points_by_name["n/cp2"]
    idle.target_lapse_ma = 6_000
    assert offered(world, [rising, idle]) == {"cp1": (6_000, 0), "cp2": (0, 6_000)}


def test_nobody_rises_on_a_circuit_that_carries_too_much_already():
    world = settled(10_000)
    (point,) = wishing(world, cp1=8_000)
    other = world.state.points_by_name["n/cp2"]
    falls_to(world, other, 10_100)
    falls_to(world, point, 8_000)
    assert offered(world, [point]) == {}


@pytest.mark.parametrize(
    ("target_ma", "held_ma", "seconds_ago", "wants"),
    [
        (10_000, 8_000, 5.0, True),
        (10_000, 8_000, 4.999, False),
        (10_000, 0, 0.0, True),
        (8_000, 8_000, 60.0, False),
        (7_000, 8_000, 60.0, False),
        (0, 0, 60.0, False),
    ],
)
def test_when_a_raise_is_wanted(target_ma: int, held_ma: int, seconds_ago: float, wants: bool):
    """Upward at most every 5 s, but from zero at once."""
    world = settled(40_000)
    (point,) = wishing(world, cp1=target_ma)
    holds(point, held_ma)
    point.raised_at = world.now - seconds_ago
    assert wants_raise(point, world.now) is wants


@pytest.mark.parametrize(("lapse_ma", "wants"), [(6_000, True), (5_000, False), (4_000, False)])
def test_an_idle_point_wants_a_raise_of_its_lapse_current(lapse_ma: int, wants: bool):
    world = settled(40_000)
    point = world.state.points_by_name["n/cp1"]
    falls_to(world, point, 5_000)
    point.target_lapse_ma = lapse_ma
    assert wants_raise(point, world.now) is wants


def test_who_cannot_be_told_wants_nothing():
    world = settled(40_000)
    (point,) = wishing(world, cp1=10_000)
    assert wants_raise(point, world.now)
    assert not wants_raise(point, world.now + 60.0)


@pytest.mark.parametrize("full", [Wiring.RST, Wiring.STR, Wiring.TRS])
@pytest.mark.parametrize("free", [Wiring.RST, Wiring.STR, Wiring.TRS])
def test_what_is_full_on_one_phase_keeps_nobody_waiting_on_another(free: Wiring, full: Wiring):
    circuit = grid(10_000, headroom_ma=0, meter=None, external_fallback_ma=each(0))
    wired = [
        replace(place, wiring=on) for place, on in zip(places(2, fallback_ma=0, phases=1), (free, full), strict=True)
    ]
    world = Boards([circuit], wired).run(12)
    (point,) = wishing(world, cp1=6_000)
    falls_to(world, world.state.points_by_name["n/cp2"], 10_000)
    assert offered(world, [point]) == ({} if free is full else {"cp1": (6_000, 0)})


# ------------------------------------------------------------ what is counted anyway


@pytest.mark.parametrize(
    ("amps_ma", "lapse_ma", "instead"),
    [
        (16_000, 0, (6_000, 0)),
        (16_000, 8_000, (6_000, 6_000)),
        (0, 8_000, (6_000, 6_000)),
        (6_000, 6_000, (6_000, 6_000)),
        (0, 6_000, (0, 6_000)),
        (5_000, 0, (5_000, 0)),
    ],
)
def test_where_too_much_is_counted_a_board_that_booted_is_offered_no_more_than_it_holds(
    amps_ma: int, lapse_ma: int, instead: tuple[int, int]
):
    world = settled(40_000)
    point, other = (world.state.points_by_name[name] for name in ("n/cp1", "n/cp2"))
    assert point.board.stamp is not None
    point.board.stamp = replace(point.board.stamp, boot_id="again")
    report = CurrentSignalled(point.placement.charge_point, 6_000, 0, 0, 0, contactor_open=True, mono=world.now)
    point.signals(report, 0, world.now)
    offer = Offer(point, amps_ma, lapse_ma)
    assert without_harm(world.state, [offer], world.now) == [offer], "there is room for all that is counted"
    falls_to(world, other, 20_100)
    (found,) = without_harm(world.state, [offer], world.now)
    assert (found.amps_ma, found.lapse_ma) == instead

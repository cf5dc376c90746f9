"""From three phases to one and back, as load management sees it: when, how often, and what is counted meanwhile."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from park.load.circuit import Circuit
from park.load.poles import HOUR_SECONDS, Poles
from park.load.switching import MOST_AN_HOUR
from park.model.electric import PerPhase, Wiring
from tests.park.load.boards import PAUSE_SECONDS, Boards, Vehicle, each, grid, places
from tests.park.load.solar.sky import constant, day, sunny
from tests.park.load.solar.sky import world as solar_world

BARE = grid(40_000, headroom_ma=0, meter=None, external_fallback_ma=each(0))
STEADY = 210.0  # s, as configured by default
LATE = 20.0  # the pause, plan and pilot
ONE_ONLY = (32_000, 4_000, 32_000)
CP = "n/cp1"


def park(circuit: Circuit, count: int = 1, switchable: int = 1, **changes: Any) -> Boards:  # noqa: ANN401 - any field
    here = places(count, **changes)
    world = Boards([circuit], here, switchable=[place.charge_point for place in here[:switchable]])
    return world.run(30)


def phases(world: Boards, name: str = CP) -> list[int]:
    """Numbers of phases it was offered current on, in order, a pause being 0."""
    found = [number for _, number in world.devices[name].live_phases]
    return [number for place, number in enumerate(found) if not place or number != found[place - 1]]


def now(world: Boards, name: str = CP) -> tuple[int, int]:
    """Phases and current that are offered."""
    device = world.devices[name]
    return (len(device.grid_phases()) if device.signalled_ma else 0, device.signalled_ma)


def watched(world: Boards, seconds: float) -> Boards:
    """Run and look all the time whether what may flow is counted."""
    for _ in range(int(seconds * 4)):
        world.run(0.25)
        assert not world.uncounted()
        assert not world.violations
    return world


# ------------------------------------------------------------ which number


def test_a_vehicle_begins_on_three_phases_where_they_fit_and_at_once():
    world = park(BARE)
    world.arrive(CP)
    watched(world, 5)
    assert now(world) == (3, 32_000)


def test_where_three_phases_have_nothing_one_is_taken_before_the_session_has_begun():
    world = park(replace(BARE, limit_ma=(16_000, 5_000, 16_000)))
    world.arrive(CP)
    watched(world, 30)
    assert now(world) == (1, 16_000)
    assert phases(world) == [1]


def test_a_limit_that_comes_switches_to_one_phase_and_its_end_back_to_three_once():
    world = park(BARE)
    world.arrive(CP)
    world.run(30)
    world.limit("grid", ONE_ONLY)
    watched(world, 60)
    assert now(world) == (1, 32_000)
    world.limit("grid", each(40_000))
    watched(world, STEADY - 5)
    assert now(world) == (1, 32_000), "what is better must stay so for a while"
    watched(world, LATE + 30)
    assert now(world) == (3, 32_000)
    watched(world, 600)
    assert phases(world) == [3, 0, 1, 0, 3]


@pytest.mark.parametrize("metered", [True, False])
def test_much_more_power_on_one_phase_is_taken_while_it_charges(metered: bool):
    world = park(replace(BARE, limit_ma=(32_000, 7_000, 32_000)), metered=metered)
    world.arrive(CP)
    watched(world, 60)
    assert now(world) == (3, 7_000)
    watched(world, STEADY)
    assert now(world) == (1, 32_000)
    watched(world, 600)
    assert phases(world) == [3, 0, 1]


def test_a_little_more_power_is_not_worth_a_pause():
    world = park(replace(BARE, limit_ma=(24_000, 7_000, 32_000)))
    world.arrive(CP)
    watched(world, 2 * STEADY)
    assert phases(world) == [3]


def test_three_phases_need_a_margin_above_their_minimum():
    world = park(replace(BARE, limit_ma=(9_000, 6_900, 9_000)), fallback_ma=0)
    world.limit("grid", (9_000, 5_000, 9_000))
    world.arrive(CP)
    world.run(40)
    world.limit("grid", (9_000, 6_900, 9_000))
    watched(world, 2 * STEADY)
    assert phases(world) == [1]


def test_who_waits_for_others_takes_the_phase_that_is_left_and_nobody_loses_his():
    circuit = replace(BARE, limit_ma=(20_000, 8_000, 8_000))
    world = park(circuit, count=2)
    world.arrive("n/cp2", Vehicle(maximum_ma=8_000))
    world.run(30)
    world.arrive(CP)
    watched(world, 60)
    assert now(world, "n/cp2") == (3, 8_000)
    assert now(world) == (1, 12_000)


def test_three_phases_that_would_take_anothers_turn_are_not_taken():
    """Who charges for a shorter time comes first: on three phases it would push out the vehicle on L2."""
    here = [replace(place, wiring=wiring) for place, wiring in zip(places(2), (Wiring.RST, Wiring.STR), strict=True)]
    world = Boards([replace(BARE, limit_ma=each(8_000))], here, switchable=[CP]).run(30)
    world.arrive("n/cp2", Vehicle(phases=1))  # on L2
    world.run(30)
    world.arrive(CP)
    watched(world, 2 * STEADY)
    assert (now(world), now(world, "n/cp2")) == ((1, 8_000), (1, 8_000))
    assert phases(world) == [1]


@pytest.mark.parametrize("wiring", [Wiring.RST, Wiring.STR, Wiring.TRS])
def test_the_phase_that_stays_is_the_first_of_the_wiring(wiring: Wiring):
    first = wiring.grid_phases(1)[0]
    limit = [5_000, 5_000, 5_000]
    limit[first - 1] = 16_000
    world = park(replace(BARE, limit_ma=(limit[0], limit[1], limit[2])), wiring=wiring)
    world.arrive(CP)
    watched(world, 30)
    assert now(world) == (1, 16_000)
    assert max(world.grants, key=lambda sent: sent[1].amps_ma)[1].phases == (first,)


def test_behind_unknown_wiring_nobody_switches():
    world = park(replace(BARE, limit_ma=ONE_ONLY), wiring=Wiring.UNKNOWN)
    world.arrive(CP)
    watched(world, 120)
    assert now(world) == (0, 0)


def test_a_board_that_says_nothing_of_phases_is_never_granted_fewer():
    world = park(replace(BARE, limit_ma=ONE_ONLY), switchable=0)
    world.arrive(CP)
    watched(world, 120)
    assert now(world) == (0, 0)
    assert {grant.phases for _, grant in world.grants} == {(1, 2, 3)}


def test_imbalance_forbids_the_switch_that_would_break_it():
    """S6: one phase of 16 A beside nothing is more than the connection may differ by."""
    world = park(replace(BARE, limit_ma=(16_000, 5_000, 16_000), imbalance_ma=5_000))
    world.arrive(CP)
    watched(world, 60)
    assert now(world) == (0, 0)


def test_imbalance_bounds_the_one_phase():
    world = park(replace(BARE, limit_ma=(32_000, 5_000, 32_000), imbalance_ma=20_000))
    world.arrive(CP)
    watched(world, 60)
    assert now(world) == (1, 20_000)


# ------------------------------------------------------------ how often


def test_a_limit_that_comes_and_goes_switches_no_more_often_than_allowed_and_always_back_to_what_charges():
    world = park(BARE)
    world.arrive(CP)
    world.run(30)
    for _ in range(8):
        world.limit("grid", ONE_ONLY)
        watched(world, 70)
        assert now(world)[0] == 1, "however often before: it has something"
        world.limit("grid", each(40_000))
        watched(world, STEADY + 60)
    began = world.now - HOUR_SECONDS
    switches = [at for at, number in world.devices[CP].live_phases if number and at > began]
    assert len({number for _, number in world.devices[CP].live_phases}) == 3
    assert len(switches) <= MOST_AN_HOUR + 1


def test_the_switches_of_an_hour_are_forgotten_after_it():
    poles = Poles(3)
    for at in (0.0, 10.0):
        poles.plan(1, at, wears=True)
    poles.plan(3, 20.0, wears=False)
    assert poles.switches_of_the_hour(HOUR_SECONDS - 1) == 2
    assert poles.switches_of_the_hour(HOUR_SECONDS + 1) == 1


def test_the_next_vehicle_begins_on_three_phases_again():
    world = park(BARE)
    world.arrive(CP)
    world.limit("grid", ONE_ONLY)
    world.run(60)
    world.leave(CP)
    world.limit("grid", each(40_000))
    world.run(PAUSE_SECONDS + 10)
    world.arrive(CP)
    watched(world, 5)
    assert now(world) == (3, 32_000)


# ------------------------------------------------------------ what is counted


def test_three_phases_count_until_the_board_has_taken_what_made_them_three():
    poles = Poles(1)
    poles.sent(3, 7)
    poles.heard(1, 6)
    assert poles.counted == 3
    poles.heard(3, 7)
    assert poles.counted == 3
    poles.sent(1, 8)
    poles.heard(3, 8)
    assert poles.counted == 3
    poles.heard(1, 8)
    assert poles.counted == 1


def test_what_is_counted_never_exceeds_the_fuse_when_three_phases_come_back_beside_another():
    """The phases change while nothing is promised: nobody's current counts on phases where another still has his."""
    unmetered = places(2, metered=False)
    here = [replace(place, wiring=wiring) for place, wiring in zip(unmetered, (Wiring.RST, Wiring.STR), strict=True)]
    world = Boards([replace(BARE, limit_ma=each(20_000))], here, switchable=[CP]).run(30)
    world.limit("grid", (20_000, 4_000, 20_000))
    world.arrive(CP)
    world.arrive("n/cp2", Vehicle(phases=1))  # on L2
    world.run(60)
    world.limit("grid", each(20_000))
    world.run(30)
    assert (now(world), now(world, "n/cp2")) == ((1, 20_000), (1, 20_000))
    for _ in range(int(4 * (STEADY + LATE))):
        world.run(0.25)
        counted = world.state.summed_ma(world.state.committed_ma(world.now))[0]
        assert max(counted) <= 20_000
    assert (now(world), now(world, "n/cp2")) == ((3, 10_000), (1, 10_000))


def test_while_the_boards_answers_are_lost_nothing_is_given_to_others():
    """It was told three phases and is silent about it: what it may take there is nobody else's."""
    world = park(replace(BARE, limit_ma=each(20_000)), count=2)
    world.arrive(CP)
    world.limit("grid", (20_000, 4_000, 20_000))
    world.run(60)
    assert now(world) == (1, 20_000)
    world.limit("grid", each(20_000))
    world.run(STEADY - 20)
    world.links["n"].lost_up = 0.6
    world.arrive("n/cp2", Vehicle(phases=1))
    watched(world, 120)


def test_a_switch_that_nobody_hears_of_is_told_again():
    world = park(BARE)
    world.arrive(CP)
    world.run(30)
    world.limit("grid", ONE_ONLY)
    world.run(5)
    world.links["n"].lost_down = 1.0
    watched(world, 30)  # the lease of the grant that was lost has ended
    world.links["n"].lost_down = 0.0
    watched(world, 60)
    assert now(world) == (1, 32_000)


@pytest.mark.parametrize("seconds", [1, 12, 14, 18, 25, 40])
def test_a_board_that_boots_in_the_middle_of_a_switch_comes_to_its_current(seconds: int):
    world = park(BARE)
    world.arrive(CP)
    world.run(30)
    world.limit("grid", ONE_ONLY)
    watched(world, seconds)
    world.reboot("n")
    watched(world, 90)
    assert now(world) == (1, 32_000)


def test_a_restarted_coordinator_takes_over_a_vehicle_on_one_phase_without_a_pause():
    world = park(BARE)
    world.limit("grid", ONE_ONLY)
    world.arrive(CP)
    world.run(60)
    assert now(world) == (1, 32_000)
    began = world.now
    world.down = True
    world.run(2)
    world.start_coordinator(2)
    world.report(CP)
    world.wish(CP)
    watched(world, 60)
    assert now(world) == (1, 32_000)
    assert not [at for at, _ in world.devices[CP].changes if at > began]


def test_before_it_obeys_this_coordinator_it_counts_on_all_phases():
    """A grant of three phases by the one before may be under way."""
    world = park(BARE)
    world.limit("grid", ONE_ONLY)
    world.arrive(CP)
    world.run(60)
    world.start_coordinator(2)
    world.links["n"].lost_down = 1.0
    world.report(CP)
    world.run(1)
    point = world.state.points_by_name[CP]
    assert point.commitment.signalled_ma == 32_000
    assert min(point.committed_ma(world.now)) == 32_000


# ------------------------------------------------------------ the sun


def test_too_little_sun_for_three_phases_charges_on_one():
    world = solar_world(sunny(), constant(4_000), switches=True)
    world.run(3)
    world.arrive(CP)
    watched(world, 90)
    assert now(world) == (1, 12_000)
    assert phases(world) == [1]


def test_a_sun_that_falls_below_three_minima_and_rises_again_switches_down_and_up_once():
    surplus = [8_000]

    def house(_: float) -> PerPhase:
        return each(-surplus[0])

    world = solar_world(sunny(), house, switches=True)
    world.run(3)
    world.arrive(CP)
    watched(world, 90)
    assert now(world) == (3, 8_000)
    surplus[0] = 4_000  # 12 A on the sum, three phases need 18
    watched(world, 150)
    assert now(world) == (1, 12_000)
    surplus[0] = 10_000
    watched(world, 120)
    assert now(world) == (3, 10_000)
    watched(world, 600)
    assert phases(world) == [3, 0, 1, 0, 3]


def test_a_day_of_clouds_does_not_toggle_and_charges_more_than_three_phases_alone():
    sky = day(3_000, 9_000, clouds_ma=5_000)
    charged = []
    for switches in (True, False):
        world = solar_world(sunny(), sky, switches=switches)
        world.run(3)
        world.arrive(CP)
        total = 0.0
        for _ in range(3_000):
            world.run(1)
            total += sum(world.own_ma("grid")) / 1000
        charged.append(total)
        assert not world.violations
        if switches:
            numbers = [number for number in phases(world) if number]
            changes = sum(a != b for a, b in pairwise(numbers))
            assert 2 <= changes <= MOST_AN_HOUR
    assert charged[0] > 1.1 * charged[1]

"""Where load management is known to go wrong: one test for each trap, by its name."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from park.load.circuit import Circuit
from park.load.invariants import Cause
from park.load.lease import lease_and_guard
from park.load.startup import refusals
from park.metering.meter import Meter, MeterSettings
from park.metering.meter import step as meter_step
from park.model.electric import Wiring
from park.model.limit import Limit, LimitKind, SetLimit
from park.model.metering import PollFailed, Quality, ReadingTaken, Sample, SampleTaken
from park.model.signals import Tick
from park.model.time import Now
from tests.park.load.boards import WALL, Boards, Vehicle, each, grid, places

BARE = grid(40_000, headroom_ma=0, meter=None, external_fallback_ma=each(0))
LEASE_SECONDS = 10.0
GONE_SECONDS = lease_and_guard(LEASE_SECONDS) + 5.0  # a silent board's grants and its vehicles' reaction


def signals(world: Boards) -> list[int]:
    return [device.signalled_ma for device in world.devices.values()]


def charging(circuit: Circuit, *vehicles: Vehicle, nodes: tuple[str, ...] = ("n",), seconds: float = 30.0) -> Boards:
    """A settled park, a vehicle at each charge point, the points spread over the boards."""
    count = len(vehicles) // len(nodes)
    world = Boards([circuit], [place for node in nodes for place in places(count, node)]).run(12)
    for name, vehicle in zip(world.devices, vehicles, strict=True):
        world.arrive(name, vehicle)
    return world.run(seconds)


def changes(world: Boards, since: float) -> int:
    return sum(at >= since for device in world.devices.values() for at, _ in device.changes)


# ------------------------------------------------------------ too little current


@pytest.mark.parametrize("supply_ma", [6_000, 8_000, 11_900])
def test_supply_below_two_minima_one_car_charges_and_nothing_toggles(supply_ma: int):
    world = charging(replace(BARE, limit_ma=each(supply_ma)), Vehicle(), Vehicle(), seconds=60)
    settled, first = world.now, signals(world)
    assert sorted(first) == [0, supply_ma]
    world.run(300)
    assert signals(world) == first
    assert changes(world, settled) == 0
    assert not world.violations


def test_supply_of_exactly_two_minima_serves_two():
    world = charging(replace(BARE, limit_ma=each(12_000)), Vehicle(), Vehicle(), seconds=60)
    assert signals(world) == [6_000, 6_000]


def test_supply_that_swings_around_two_minima_does_not_toggle_the_second():
    """±0.4 A every 5 s: who lost its minimum comes back only with more than the bare minimum, and not at once."""
    world = charging(replace(BARE, limit_ma=each(12_400)), Vehicle(), Vehicle())
    began = world.now
    for cycle in range(48):
        world.limit("grid", each(11_600 if cycle % 2 else 12_400))
        world.run(5)
    pauses = [amps for device in world.devices.values() for at, amps in device.changes if at > began and not amps]
    assert len(pauses) <= 1
    assert not world.violations


def test_who_lost_its_minimum_stays_off_for_half_a_minute_however_much_comes_back():
    """Contactors wear, and vehicles give up: a pause is never a short one (safety §2, minimum off time)."""
    world = charging(replace(BARE, limit_ma=each(13_000)), Vehicle(), Vehicle())
    world.limit("grid", each(11_900))
    world.run(1)
    shed = next(name for name, device in world.devices.items() if not device.signalled_ma)
    began = world.now
    world.limit("grid", each(13_000))
    world.run(60)
    (again,) = [at for at, amps in world.devices[shed].changes if at > began and amps]
    assert 28 < again - began < 36


def test_nobody_stands_in_for_who_pauses_only_to_be_sent_away_when_it_is_back():
    """Who waits could have the room for half a minute, and would lose it to the class above: wear for nothing."""
    first, second = places(2)
    world = Boards([replace(BARE, limit_ma=each(7_000))], [replace(first, priority=1), second]).run(12)
    for name in world.devices:
        world.arrive(name)
    world.run(30)
    assert signals(world) == [7_000, 0]
    world.limit("grid", each(5_000))
    world.run(2)
    assert signals(world) == [0, 0]
    came_back = world.now
    world.limit("grid", each(7_000))
    world.run(10)
    assert signals(world) == [0, 0]
    assert world.state.points_by_name["n/cp2"].reason[0].source == "others come first"
    world.run(50)
    assert signals(world) == [7_000, 0]
    assert not [at for at, _ in world.devices["n/cp2"].changes if at >= came_back]
    assert not world.violations


def test_who_waits_takes_what_is_left_beside_those_who_pause():
    first, second = places(2)
    world = Boards([replace(BARE, limit_ma=each(14_000))], [replace(first, priority=1), second]).run(12)
    world.limit("grid", each(7_000))
    for name in world.devices:
        world.arrive(name)
    world.run(30)
    world.limit("grid", each(5_000))
    world.run(2)
    world.limit("grid", each(14_000))
    world.run(10)
    assert signals(world)[0] == 0
    assert signals(world)[1] >= 6_000
    world.run(40)
    assert signals(world) == [8_000, 6_000]
    assert not world.violations


def test_nobody_takes_the_place_of_who_charges_because_the_balance_of_phases_asks_that_one_last():
    """Who tilts the phases waits for others to come; till then the room may be gone to who came last of all."""
    wirings = (Wiring.RST, Wiring.STR, Wiring.STR, Wiring.RST, Wiring.RST)
    wired = [replace(place, wiring=wiring) for place, wiring in zip(places(5), wirings, strict=True)]
    wired[0] = replace(wired[0], priority=1)
    circuit = replace(BARE, limit_ma=(17_000, 60_000, 60_000), imbalance_ma=6_000)
    world = Boards([circuit], wired).run(12)
    for name, phases in zip(world.devices, (1, 2, 2, 1), strict=False):
        world.arrive(name, Vehicle(phases=phases))
        world.run(12)
    began = world.now
    assert signals(world)[3] >= 6_000
    world.arrive("n/cp5", Vehicle())
    world.run(120)
    assert signals(world)[3] >= 6_000
    assert signals(world)[4] == 0
    assert world.state.points_by_name["n/cp5"].reason[0].source == "others come first"
    assert all(amps for at, amps in world.devices["n/cp4"].changes if at >= began)
    assert not world.violations


def test_four_cars_at_35_amperes_share_and_leave_less_than_a_step_each():
    world = charging(replace(BARE, limit_ma=each(35_000)), *[Vehicle() for _ in range(4)])
    assert signals(world) == [8_700] * 4
    assert sum(signals(world)) <= 35_000
    assert not world.violations


# ------------------------------------------------------------ something fails


def test_meter_dead_counts_the_fallback_within_the_bound_and_until_it_answers():
    world = charging(grid(41_000, external_fallback_ma=each(20_000)), Vehicle(), Vehicle())
    assert signals(world) == [20_000, 20_000]
    world.overload["grid"].began(Cause.METER_LOST)
    world.lose_meter("grid-meter")
    world.run(12)
    assert signals(world) == [10_000, 10_000]
    world.run(300)
    assert signals(world) == [10_000, 10_000]
    world.dead_meters.clear()
    world.run(30)
    assert signals(world) == [20_000, 20_000]
    assert not world.violations


def test_0_w_is_not_what_a_missing_meter_value_means():
    """Polls that answer without a value: what was last read counts until it is stale, then the fallback, never zero."""
    house_ma, fallback_ma, limit_ma = 15_000, 20_000, 41_000
    circuit = grid(limit_ma, headroom_ma=0, external_fallback_ma=each(fallback_ma))
    world = Boards([circuit], places(2), house=lambda _: each(house_ma)).run(12)
    for name in world.devices:
        world.arrive(name)
    world.run(30)
    assert sum(signals(world)) == 26_000
    world.dead_meters.add("grid-meter")
    meter = Meter(MeterSettings("grid-meter"))
    fine = Sample(each(house_ma + 26_000), 0, 1_000)
    polls = [SampleTaken("grid-meter", fine, world.now), *_unusable(world.now)]
    totals = []
    for event in polls:
        world.run(max(0.0, event.mono - world.now))
        for known in (event, Tick()):
            meter, effects = meter_step(meter, known, Now(world.now, WALL))
            for effect in effects:
                if isinstance(effect, ReadingTaken):
                    world.tell(effect)
        totals.append(sum(signals(world)))
    assert max(totals) == 26_000, "nothing was ever given because a value was missing"
    assert totals[-1] == limit_ma - fallback_ma
    assert world.state.circuits[0].external.quality is Quality.IMPLAUSIBLE


def _unusable(now: float) -> list[SampleTaken | PollFailed]:
    """Half of them answer without a value, the others not at all, once a second."""
    return [
        SampleTaken("grid-meter", None, now + second, "L2 current: NaN")
        if second % 2
        else PollFailed("grid-meter", "no answer within 1 s", now + second)
        for second in range(1, 16)
    ]


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.IMPLAUSIBLE])
def test_a_reading_that_is_not_to_be_trusted_is_the_fallback_at_once(quality: Quality):
    world = charging(grid(41_000, external_fallback_ma=each(20_000)), Vehicle(), Vehicle())
    world.dead_meters.add("grid-meter")
    none = ReadingTaken("grid-meter", quality, Sample(each(0), 0, 0), None, world.now, WALL)
    world.tell(none)
    world.run(0.2)
    assert signals(world) == [10_000, 10_000]


def test_one_board_silent_stops_nobody_and_is_counted_until_it_let_go():
    world = charging(BARE, Vehicle(), Vehicle(), Vehicle(), Vehicle(), nodes=("a", "b"))
    assert signals(world) == [10_000] * 4
    began = world.now
    world.links["a"].cut = True
    world.overload["grid"].began(Cause.LINK_LOST)
    world.run(4)
    world.leave("b/cp2")
    world.run(4)
    assert signals(world) == [10_000, 10_000, 20_000, 0], "the neighbour takes what is surely free, and no more"
    world.run(began + GONE_SECONDS + 10.0 - world.now)
    assert signals(world) == [6_000, 6_000, 28_000, 0]
    assert not world.violations


def test_restart_with_unknown_boards_grants_nothing_before_they_must_have_let_go():
    world = charging(BARE, Vehicle(), Vehicle(), nodes=("a", "b"))
    assert signals(world) == [20_000, 20_000]
    world.links["b"].cut = True
    world.overload["grid"].began(Cause.LINK_LOST)
    began = world.now
    world.leave("a/cp1")
    world.start_coordinator(epoch=2)
    world.arrive("a/cp1")
    world.report("a/cp1")
    world.wish("a/cp1")
    world.run(lease_and_guard(LEASE_SECONDS) - 0.1)
    assert not [grant for at, grant in world.grants if at > began], "the unknown board may hold anything"
    world.run(GONE_SECONDS)
    assert signals(world) == [32_000, 6_000]
    assert not world.violations


def test_restart_with_everybody_heard_takes_over_what_flows_without_a_pause():
    world = charging(BARE, Vehicle(), Vehicle())
    began = world.now
    world.start_coordinator(epoch=2)
    for name in world.devices:
        world.report(name)
        world.wish(name)
    world.run(30)
    assert not [amps for device in world.devices.values() for at, amps in device.changes if at > began and not amps]
    assert signals(world) == [20_000, 20_000]
    assert not world.violations


@pytest.mark.rule("B-403")
def test_fallback_sum_above_the_fuse_is_refused_at_start_with_circuit_and_amperes():
    points = [replace(place, fallback_ma=8_000) for place in places(5)]
    said = refusals([replace(BARE, limit_ma=each(38_000))], points)
    assert said[0] == (
        "circuit grid L1: lapse (fallback) currents 40 A + external fallback 0 A exceed the limit 38 A by 2 A; "
        "lower them or raise the limit"
    )
    assert len(said) == 3, "a sentence for each phase"
    assert refusals([replace(BARE, limit_ma=each(40_000))], points) == ()


def test_fallback_sum_above_the_fuse_of_a_circuit_below_is_refused_too():
    hall = Circuit("hall", each(15_000), parent="grid")
    points = [replace(place, circuit="hall", fallback_ma=8_000) for place in places(2)]
    assert "circuit hall L1: lapse (fallback) currents 16 A" in refusals([BARE, hall], points)[0]


# ------------------------------------------------------------ time


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_clock_jump_of_the_wall_changes_no_grant(days: int):
    world = charging(BARE, Vehicle(), Vehicle())
    before, began = signals(world), world.now
    world.wall += timedelta(days=days)
    world.run(60)
    assert signals(world) == before
    assert changes(world, began) == 0
    assert not world.violations


@pytest.mark.parametrize("days", [-1, 1])
def test_clock_jump_of_the_wall_ends_no_limit_and_prolongs_none(days: int):
    world = charging(BARE, Vehicle(), Vehicle())
    asked = Limit("grid", LimitKind.ENERGY_MANAGER, "hems", each(20_000))
    world.tell(SetLimit("", asked, valid_seconds=30.0))
    world.run(10)
    assert sum(signals(world)) == 20_000
    world.wall += timedelta(days=days)
    world.run(18)
    assert sum(signals(world)) == 20_000
    world.run(20)
    assert sum(signals(world)) == 40_000


@pytest.mark.parametrize("rate", [0.95, 1.05])
def test_clock_of_a_board_that_runs_5_percent_off_neither_drops_nor_outlives_its_grant(rate: float):
    world = Boards([BARE], [*places(1, "a"), *places(1, "b")], clock_rate=rate).run(12)
    for name in world.devices:
        world.arrive(name)
    world.run(40)
    began = world.now
    world.run(60)
    assert changes(world, began) == 0
    world.links["a"].cut = True
    world.overload["grid"].began(Cause.LINK_LOST)
    world.run(40)
    assert signals(world) == [6_000, 32_000]
    assert not world.violations


# ------------------------------------------------------------ phases and idle points


@pytest.mark.parametrize("lost", ["lost_down", "lost_up"])
@pytest.mark.parametrize("step", range(0, 30, 3))
def test_phase_switch_under_load_moves_poles_at_zero_whatever_message_is_lost(step: int, lost: str):
    """From three phases to one and back, messages lost for some seconds at each step: 0 A in between, all counted."""
    circuit = replace(BARE, limit_ma=each(20_000))
    world = Boards([circuit], places(2), switchable=["n/cp1"], switch_seconds=10.0).run(30)
    for name in world.devices:
        world.arrive(name, Vehicle(reaction=0.2))
    world.run(30)
    for limit in ((20_000, 10_000, 20_000), each(20_000)):
        world.limit("grid", limit)
        world.run(step)
        setattr(world.links["n"], lost, 1.0)
        counted_for(world, 2.5)
        setattr(world.links["n"], lost, 0.0)
        counted_for(world, 90)
    offered = [number for _, number in world.devices["n/cp1"].live_phases]
    assert all(0 in {before, after} or before == after for before, after in pairwise(offered))
    assert {1, 3} <= set(offered)
    assert signals(world) == [10_000, 10_000]


def counted_for(world: Boards, seconds: float) -> None:
    for _ in range(int(4 * seconds)):
        world.run(0.25)
        assert not world.uncounted()
    assert not world.violations


def test_phase_switch_under_load_a_phase_that_appears_counts_before_it_may_carry_current():
    """A vehicle on one phase goes to three: no grant for one phase holds on the others, and nobody's fuse pays."""
    circuit = grid(40_000, headroom_ma=0, meter=None, external_fallback_ma=each(0))
    points = [replace(place, wiring=wiring) for place, wiring in zip(places(3), (Wiring.RST,) * 3, strict=True)]
    world = Boards([circuit], points).run(12)
    for name, phases in zip(world.devices, (1, 3, 3), strict=True):
        world.arrive(name, Vehicle(phases=phases, reaction=0.2))
    world.run(30)
    assert signals(world)[0] > 13_000
    device = world.devices["n/cp1"]
    assert device.vehicle is not None
    device.vehicle.phases = 3
    world.promise.loads("n/cp1", 3)
    world._signal("n/cp1")
    assert device.signalled_ma <= device.placement.fallback_ma, "its grant does not cover the new phases"
    world.wish("n/cp1")
    world.run(30)
    assert signals(world) == [13_300, 13_300, 13_300]
    assert not world.violations


def test_phase_switch_under_load_a_phase_that_goes_is_given_to_others():
    points = [replace(place, wiring=wiring) for place, wiring in zip(places(2), (Wiring.RST, Wiring.STR), strict=True)]
    world = Boards([replace(BARE, limit_ma=each(20_000))], points).run(12)
    world.arrive("n/cp1", Vehicle(phases=3))
    world.arrive("n/cp2", Vehicle(phases=1))  # on L2
    world.run(30)
    assert signals(world) == [10_000, 10_000]
    device = world.devices["n/cp1"]
    assert device.vehicle is not None
    device.vehicle.phases = 1
    world.promise.loads("n/cp1", 1)
    world.wish("n/cp1")
    world.run(30)
    assert signals(world) == [20_000, 20_000]
    assert not world.violations


def test_unknown_wiring_counts_on_every_phase_however_few_the_vehicle_uses():
    wirings = (Wiring.UNKNOWN, Wiring.STR)
    points = [replace(place, wiring=wiring) for place, wiring in zip(places(2), wirings, strict=True)]
    world = Boards([replace(BARE, limit_ma=each(20_000))], points).run(12)
    for name in world.devices:
        world.arrive(name, Vehicle(phases=1))
    world.run(30)
    assert signals(world) == [10_000, 10_000]


def test_idle_port_takes_nothing_from_who_charges():
    world = Boards([BARE], places(3)).run(12)
    for name in ("n/cp1", "n/cp3"):
        world.arrive(name)
    world.run(30)
    assert signals(world) == [20_000, 0, 20_000]
    (share,) = {grant.reason[1].source for _, grant in world.grants if grant.reason[0].limit == "fuse"}
    assert share == "2 charging"


def test_idle_port_with_a_full_car_keeps_its_minimum_only():
    world = charging(BARE, Vehicle(), Vehicle(appetite_ma=0), Vehicle(), seconds=100)
    assert signals(world) == [17_000, 6_000, 17_000]
    assert not world.violations


def test_idle_port_is_ready_for_the_next_car_within_the_reaction_time():
    world = Boards([BARE], places(3)).run(12)
    for name in ("n/cp1", "n/cp2"):
        world.arrive(name)
    world.run(30)
    world.arrive("n/cp3")
    world.run(8)
    assert signals(world)[2] >= 6_000
    assert not world.violations


class Unheard(Boards):
    """One charge point's confirmations are lost, and nothing else."""

    lost = ""

    def report(self, name: str) -> None:
        if name != self.lost:
            super().report(name)


def test_who_cannot_be_heard_is_never_asked_with_more_than_it_was_told_last():
    """It may obey already, and others have what it gave up."""
    world = Unheard([replace(BARE, limit_ma=each(13_000))], places(2, fallback_ma=6_000))
    world.run(12)
    for name in world.devices:
        world.arrive(name)
    world.run(30)
    world.lost, began = "n/cp2", world.now
    world.limit("grid", each(6_000))
    world.run(60)
    told = [grant.amps_ma for at, grant in world.grants if at > began + 2 and grant.charge_point == world.lost]
    assert told
    assert max(told) == 0
    assert not world.violations

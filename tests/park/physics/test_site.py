"""The whole bench: circuits, meters, readers, and names that do not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.errors import BenchRefused, BenchUnusable
from park.model.access import Feedback, ShowFeedback, TagRead
from park.model.electric import Wiring
from park.model.evse import PilotOutput, SetContactor, Signal
from park.physics.hardware import EvseSpec
from park.physics.meters import CircuitMeter, Mode
from park.physics.site import CircuitSpec, MeterSpec, Site, SitePlan
from park.physics.vehicle import VehicleSpec


def site(*, in_line: bool = True) -> Site:
    """Grid with a house and a garage below it: cp1 and cp2 hang on the garage, cp3 on the grid."""
    return Site(
        SitePlan(
            evses=(EvseSpec("cp1"), EvseSpec("cp2", Wiring.STR), EvseSpec("cp3")),
            circuits=(
                CircuitSpec("garage", (32_000, 32_000, 32_000), "grid"),
                CircuitSpec("grid", (63_000, 63_000, 63_000)),
            ),
            meters=(
                MeterSpec("main", circuit="grid", in_line=in_line),
                MeterSpec("sub", circuit="garage"),
                MeterSpec("cp1-meter", charge_point="cp1"),
                MeterSpec("lonely"),
            ),
            readers=("door",),
            circuit_of={"cp1": "garage", "cp2": "garage", "cp3": "grid"},
        )
    )


def charge(world: Site, point: str, amps_ma: int, phases: int = 3) -> None:
    world.plug(point, VehicleSpec(phases=phases, energy_wh=1e6), world.mono)
    world.apply(SetContactor(point, closed=True), world.mono)
    world.apply(Signal(point, PilotOutput.PWM, amps_ma, (1, 2, 3), 1e9, 6_000, 1), world.mono)


def test_flows_add_up_through_the_circuits():
    world = site()
    charge(world, "cp1", 10_000)
    charge(world, "cp2", 8_000, phases=1)  # STR: on L2
    charge(world, "cp3", 6_000)
    world.load("main", (1_000, 2_000, -3_000), 0.0)
    world.load("sub", (500, 0, 0), 0.0)
    world.advance(10.0)
    assert world.circuits["garage"].flow_ma == (10_500, 18_000, 10_000)
    assert world.circuits["grid"].flow_ma == (17_500, 26_000, 13_000)
    samples = {name: world.sample(name, 10.0) for name in world.meters}
    assert {name: sample and sample.currents_ma for name, sample in samples.items()} == {
        "main": (17_500, 26_000, 13_000),
        "sub": (10_500, 18_000, 10_000),
        "cp1-meter": (10_000, 10_000, 10_000),
        "lonely": (0, 0, 0),
    }
    assert samples["cp1-meter"] is not None
    assert samples["cp1-meter"].power_w == 6_900


def test_a_branch_meter_sees_only_the_other_load():
    world = site(in_line=False)
    charge(world, "cp3", 6_000)
    world.load("main", (1_000, 2_000, 3_000), 0.0)
    world.advance(10.0)
    sample = world.sample("main", 10.0)
    assert sample is not None
    assert sample.currents_ma == (1_000, 2_000, 3_000)
    assert world.circuits["grid"].flow_ma == (7_000, 8_000, 9_000)


def test_import_and_export_are_counted_a_phase_each():
    world = site()
    world.load("main", (10_000, 0, -20_000), 0.0)
    world.advance(3600.0)
    meter = world.meter("main")
    assert (meter.truth().energy_wh, meter.export_wh, meter.truth().power_w) == (2_300, 4_600, -2_300)


def test_a_silent_meter_says_nothing_a_frozen_one_always_the_same():
    world = site()
    world.load("main", (5_000, 5_000, 5_000), 0.0)
    world.switch("main", Mode.FROZEN, 0.0)
    world.load("main", (9_000, 9_000, 9_000), 1.0)
    frozen = world.sample("main", 2.0)
    assert frozen is not None
    assert frozen.currents_ma == (5_000, 5_000, 5_000)
    world.switch("main", Mode.SILENT, 3.0)
    assert world.sample("main", 3.0) is None
    world.switch("main", Mode.LIVE, 4.0)
    live = world.sample("main", 4.0)
    assert live is not None
    assert live.currents_ma == (9_000, 9_000, 9_000)


def test_a_profile_is_followed_until_amps_are_set():
    world = site()
    world.follow("main", lambda mono: (int(mono) * 100, 0, 0), 0.0)
    world.advance(7.0)
    assert world.circuits["grid"].flow_ma == (700, 0, 0)
    world.load("main", (1, 2, 3), 8.0)
    world.advance(9.0)
    assert world.circuits["grid"].flow_ma == (1, 2, 3)


def test_the_own_meter_has_the_register_of_its_charge_point():
    world = site()
    charge(world, "cp1", 16_000)
    world.advance(1_234.5)
    sample = world.sample("cp1-meter", 1_234.5)
    assert sample is not None
    assert sample.energy_wh == int(world.evses["cp1"].energy_wh) > 3_000


@given(steps=st.lists(st.floats(0.01, 500.0), min_size=1, max_size=20))
def test_registers_and_fuses_do_not_depend_on_how_often_time_is_told(steps: list[float]):
    often, once = site(), site()
    for world in (often, once):
        charge(world, "cp1", 30_000)
        charge(world, "cp3", 20_000)
        world.load("sub", (4_000, 0, 0), 0.0)
    mono = 0.0
    for step in steps:
        mono += step
        often.advance(mono)
    once.advance(mono)
    for name in ("main", "sub"):
        a, b = often.meter(name), once.meter(name)
        assert isinstance(a, CircuitMeter)
        assert abs(a.truth().energy_wh - b.truth().energy_wh) <= 1
    fuses = often.circuits["garage"].fuse.record(), once.circuits["garage"].fuse.record()
    assert fuses[0].seconds_above == pytest.approx(fuses[1].seconds_above)
    assert fuses[0].peak_ratio == fuses[1].peak_ratio


def test_the_next_event_lets_a_scheduler_hit_the_moment():
    world = site()
    charge(world, "cp1", 10_000)
    seen = []
    while world.next_event() < 100.0:
        world.advance(world.next_event())
        seen.append((world.mono, world.evses["cp1"].current_ma))
    assert seen == [(1.0, 0), (1.05, 10_000)]


def test_cards_are_read_and_feedback_is_remembered():
    world = site()
    assert world.swipe("door", "04A1") == TagRead("door", "04A1")
    world.show(ShowFeedback("door", Feedback.ACCEPTED))
    assert world.readers["door"] is Feedback.ACCEPTED


def test_wrong_names_are_answered_with_the_right_ones():
    world = site()
    with pytest.raises(BenchUnusable, match="no charge point 'cp9' on this bench; it has: cp1, cp2, cp3"):
        world.plug("cp9", VehicleSpec(), 0.0)
    with pytest.raises(BenchUnusable, match=r"no reader 'gate'.*door"):
        world.swipe("gate", "04A1")
    with pytest.raises(BenchUnusable, match=r"no meter 'x'.*cp1-meter, lonely, main, sub"):
        world.switch("x", Mode.SILENT, 0.0)
    with pytest.raises(BenchRefused, match="cp1-meter is the meter of cp1"):
        world.load("cp1-meter", (1, 1, 1), 0.0)

"""The park that is measured does what a park does; in virtual time."""

import pytest

from benchmarks.garage import MAX_AMPS, OTHERS_AMPS, ROW, Garage
from nodes.simulation.world import SimulatedWorld
from park.config.mapping import circuits, placements
from park.load.startup import refusals
from park.model.evse import PilotOutput, PilotState, Signal
from park.physics.hardware import TRAITS

POINTS = ROW + 2


@pytest.fixture
def world():
    return SimulatedWorld(seed=3)


@pytest.fixture
def garage(world: SimulatedWorld):
    garage = Garage(world, POINTS, world.after)
    garage.start()
    world.run_for(3)
    yield garage
    garage.stop()


def filled(garage: Garage, world: SimulatedWorld) -> list[Signal]:
    """All cars plugged in and charging for a while; what is signalled from now on."""
    for name in garage.names:
        garage.hardware.plug(name)
    world.run_for(12)
    told: list[Signal] = []
    garage.hardware.signalled = told.append
    return told


def test_its_configuration_would_be_allowed_to_start(garage: Garage):
    assert not refusals(circuits(garage.config), placements(garage.config, lambda _: TRAITS))


def test_it_settles_and_every_point_is_in_a_row(garage: Garage):
    assert garage.settled()
    assert garage.charging() == 0
    assert [len(row) for row in garage.rows] == [ROW, 2]


def test_a_car_gets_its_setpoint_at_the_moment_it_arrives(garage: Garage, world: SimulatedWorld):
    told: list[Signal] = []
    garage.hardware.signalled = told.append
    garage.hardware.plug(garage.names[0])
    world.run_for(0)
    assert [(signal.charge_point, signal.amps_ma) for signal in told if signal.output is PilotOutput.PWM] == [
        (garage.names[0], MAX_AMPS * 1000)
    ]


def test_cars_draw_what_they_are_offered_and_the_meters_see_it(garage: Garage, world: SimulatedWorld):
    filled(garage, world)
    view = garage.snapshot()
    assert {row.measured_ma for row in view.charge_points} == {(MAX_AMPS * 1000,) * 3}
    grid = next(meter for meter in view.meters if meter.name == "grid-meter")
    assert grid.currents_ma == (POINTS * MAX_AMPS * 1000,) * 3
    assert all(row.energy_wh for row in view.charge_points)


def test_other_load_makes_every_car_of_its_row_give_way_at_once_and_no_other(garage: Garage, world: SimulatedWorld):
    told = filled(garage, world)
    garage.load_row(0, OTHERS_AMPS * 1000 + ROW * 1000)
    world.run_for(0)
    assert {signal.charge_point: signal.amps_ma for signal in told} == dict.fromkeys(
        garage.rows[0], MAX_AMPS * 1000 - 1000
    )


def test_a_car_that_leaves_can_come_again(garage: Garage, world: SimulatedWorld):
    filled(garage, world)
    garage.hardware.unplug(garage.names[0])
    world.run_for(6)
    assert garage.charging() == POINTS - 1
    garage.hardware.plug(garage.names[0])
    world.run_for(0)
    assert garage.charging() == POINTS
    assert garage.snapshot().charge_points[0].state is PilotState.C


def test_a_node_without_charge_points_is_settled():
    world = SimulatedWorld(seed=3)
    garage = Garage(world, 0, world.after)
    garage.start()
    world.run_for(1)
    assert garage.settled()
    assert "chargepark_" in garage.collector.text()
    garage.stop()

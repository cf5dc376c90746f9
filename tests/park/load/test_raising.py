"""Raises beside a vehicle that draws more than it is offered: its excess grows with its own raise."""

from __future__ import annotations

from park.model.demand import DemandChanged
from tests.park.load.boards import Boards, Vehicle, each, grid, places

LIMIT_MA = 55_000
SLOW_SECONDS = 4.5  # within the reaction time a vehicle may take


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

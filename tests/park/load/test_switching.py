"""From three phases to one and back, as load management sees it: when, how often, and what is counted meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from park.load.circuit import Circuit
from park.model.electric import Wiring
from tests.park.load.boards import Boards, Vehicle, each, grid, places

BARE = grid(40_000, headroom_ma=0, meter=None, external_fallback_ma=each(0))


def park(circuit: Circuit, count: int = 1, switchable: int = 1, **changes: object) -> Boards:
    here = places(count, **changes)
    world = Boards([circuit], here, switchable=[place.charge_point for place in here[:switchable]])
    return world.run(30)


def phases(world: Boards, name: str = "n/cp1") -> list[int]:
    """Numbers of phases it was offered current on, in order, a pause being 0."""
    found = [number for _, number in world.devices[name].live_phases]
    return [number for place, number in enumerate(found) if not place or number != found[place - 1]]


def now(world: Boards, name: str = "n/cp1") -> tuple[int, int]:
    device = world.devices[name]
    return (len(device.grid_phases()) if device.signalled_ma else 0, device.signalled_ma)


def test_a_vehicle_begins_on_three_phases_where_they_fit():
    world = park(BARE)
    world.arrive("n/cp1")
    world.run(10)
    assert now(world) == (3, 32_000)
    assert not world.violations


def test_where_three_phases_have_nothing_one_is_taken_within_half_a_minute():
    world = park(replace(BARE, limit_ma=(16_000, 5_000, 16_000)))
    world.arrive("n/cp1")
    world.run(30)
    assert now(world) == (1, 16_000)
    assert phases(world) == [1]
    assert not world.violations


def test_a_limit_that_comes_switches_to_one_phase_and_its_end_back_to_three_once():
    world = park(BARE)
    world.arrive("n/cp1")
    world.run(30)
    world.limit("grid", (32_000, 4_000, 32_000))
    world.run(60)
    assert now(world) == (1, 32_000)
    world.limit("grid", each(40_000))
    world.run(200)
    assert now(world) == (1, 32_000), "what is better must stay so for a while"
    world.run(60)
    assert now(world) == (3, 32_000)
    assert phases(world) == [3, 0, 1, 0, 3]
    assert not world.violations

"""Taking turns: nobody waits for ever, and nobody is moved without need."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.load.admission import Request
from park.load.allocate import allocate
from park.load.circuit import Circuit
from park.load.rotation import MINIMUM_ON_SECONDS, Turn, next_turn, turn
from park.model.electric import Wiring
from tests.park.load.boards import Boards, Vehicle, each, places

SLICE = 120.0
RST, STR = Wiring.RST, Wiring.STR


@pytest.mark.parametrize(
    ("what", "charging_since", "waiting_since", "now", "expected"),
    [
        ("waited since before the slice", None, 110.0, 121.0, Turn.COMES),
        ("began to wait in it", None, 120.0, 239.0, Turn.WAITS),
        ("came in this slice", 120.0, 0.0, 239.0, Turn.STAYS),
        ("charges since before", 50.0, 0.0, 121.0, Turn.MAY_GO),
        ("came just before the slice ended", 119.0, 0.0, 121.0, Turn.STAYS),
        ("and may go when it has charged for a while", 119.0, 0.0, 119.0 + MINIMUM_ON_SECONDS, Turn.MAY_GO),
    ],
)
def test_turns(what: str, charging_since: float | None, waiting_since: float, now: float, expected: Turn):
    assert turn(charging_since, waiting_since, now, SLICE) is expected, what


def test_slices_are_aligned_to_the_clock():
    assert [next_turn(now, SLICE) for now in (0.0, 119.9, 120.0, 500.0)] == [120.0, 120.0, 240.0, 600.0]


def car(name: str, turns: Turn, since: float | None, waits: float = 0.0) -> Request:
    return Request(name, (0,), 6_000, 32_000, since, waits, turn=turns)


@pytest.mark.rule("B-410")
def test_who_charged_longest_makes_room_for_who_waited_longest():
    cars = [
        car("a", Turn.MAY_GO, 10.0), car("b", Turn.MAY_GO, 20.0), car("c", Turn.MAY_GO, 30.0),
        car("d", Turn.COMES, None, 5.0), car("e", Turn.WAITS, None, 1.0),
    ]  # fmt: skip
    shares = allocate(cars, [23_000])
    assert sorted(name for name, share in shares.items() if share.amps_ma) == ["b", "c", "d"]


@given(st.integers(2, 9), st.integers(1, 8), st.integers(3, 12))
def test_s9_nobody_waits_longer_than_the_bound(cars: int, room_for: int, slices: int):
    """With room for k of n: at most ⌈n / k⌉ slices, and within a slice nobody is moved (S8)."""
    since: dict[str, float | None] = {f"cp{number}": None for number in range(cars)}
    waiting = dict.fromkeys(since, 0.0)
    for tenth in range(10 * slices):
        now = 7.0 + tenth * SLICE / 10
        requests = [
            car(name, turn(since[name], waiting[name], now, SLICE), since[name], waiting[name]) for name in since
        ]
        shares = allocate(requests, [6_000 * room_for + 5_999])
        moved = [name for name in since if (shares[name].amps_ma > 0) != (since[name] is not None)]
        assert tenth == 0 or not moved or now % SLICE < SLICE / 10 or now < SLICE
        for name in moved:
            if shares[name].amps_ma:
                since[name] = now
            else:
                since[name], waiting[name] = None, now
        longest = max((now - waiting[name] for name in since if since[name] is None), default=0.0)
        assert longest <= -(-cars // room_for) * SLICE


def four_cars(amps: float, seconds: float, count: int = 4) -> Boards:
    circuit = Circuit("grid", each(int(amps * 1000)))
    world = Boards([circuit], places(count, fallback_ma=0), rotation_seconds=SLICE).run(12)
    for name in world.devices:
        world.arrive(name)
    world.run(seconds)
    assert not world.violations
    return world


def seconds_served(world: Boards) -> list[float]:
    """How long each pilot offered current."""
    served = []
    for device in world.devices.values():
        changes = [*device.changes, (world.now, 0)]
        served.append(sum(until - at for (at, amps_ma), (until, _) in pairwise(changes) if amps_ma))
    return served


def test_two_cars_below_two_minima_take_turns_without_toggling():
    world = four_cars(11.0, 6 * SLICE, count=2)
    served = seconds_served(world)
    assert min(served) > 0.4 * 6 * SLICE
    for device in world.devices.values():
        pauses = sum(1 for (_, before), (_, after) in pairwise(device.changes) if before and not after)
        assert pauses <= 4


def test_with_room_for_exactly_one_minimum_everybody_has_a_turn():
    assert min(seconds_served(four_cars(6.2, 6 * SLICE))) > 0.8 * SLICE
    assert min(seconds_served(four_cars(6.2, 6 * SLICE, count=2))) > 2.4 * SLICE


def test_nobody_is_moved_while_everybody_has_the_minimum():
    world = four_cars(35.0, 3 * SLICE)
    settled = 20.0
    assert all(at < settled + 12.0 for device in world.devices.values() for at, _ in device.changes)


@pytest.mark.rule("B-091")
def test_s6_the_balance_and_the_power_hold_on_real_pilots():
    circuit = Circuit("grid", each(100_000), limit_watts=22_000, imbalance_ma=10_000)
    points = [
        replace(place, wiring=wiring)
        for place, wiring in zip(places(4, fallback_ma=0), (RST, RST, RST, STR), strict=True)
    ]
    world = Boards([circuit], points).run(12)
    for name, phases in zip(world.devices, (3, 1, 1, 1), strict=True):
        world.arrive(name, Vehicle(phases=phases))
    world.run(40)
    assert not world.violations
    whole, first, second, third = (device.signalled_ma for device in world.devices.values())
    on = [whole + first + second, whole + third, whole]
    assert max(on) - min(on) <= 10_000
    assert sum(on) * 253 <= 22_000_000


def test_s1_a_raise_waits_for_the_watts_that_another_gives_up():
    circuit = Circuit("grid", each(100_000), limit_watts=253 * 3 * 40)  # 40 A on three phases
    world = Boards([circuit], places(2, fallback_ma=0)).run(12)
    world.arrive("n/cp1")
    world.run(20)
    assert world.devices["n/cp1"].signalled_ma == 32_000
    world.arrive("n/cp2")
    world.run(0.2)
    assert [device.signalled_ma for device in world.devices.values()] == [20_000, 8_000]
    world.run(12)
    assert [device.signalled_ma for device in world.devices.values()] == [20_000, 20_000]
    assert not world.violations
    reason = world.grants[-1][1].reason[0]
    assert (reason.limit, reason.circuit, reason.phase) == ("power", "grid", None)

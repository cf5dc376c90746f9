"""Local load balancing as GreenFlux's manual has it (6.2, rules 1 to 5), on the sharing out alone and on whole days."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.load.admission import Request, Share
from park.load.algorithms import Algorithm, sharing
from park.load.circuit import LIMITS, Circuit
from park.load.common_current import STEP_MA, common_current
from park.load.fair.adrift import lay
from park.load.fair.balance import Balance, Scales
from park.load.fair.columns import pulls
from park.model.electric import Wiring
from tests.park.load.boards import Boards, Vehicle, each, places

L1, L2, L3 = (0, 3), (1, 3), (2, 3)
ALL = (0, 1, 2, 3)
MINIMUM_MA = 12_500  # the manual's default of MinCurrentConnection
SLICE = 120.0


def socket(name: str, lines: tuple[int, ...] = ALL, most: int = 32_000, **more: object) -> Request:
    return Request(name, lines, **({"minimum_ma": MINIMUM_MA, "maximum_ma": most} | more))  # type: ignore[arg-type]


def station(amps: float) -> list[int]:
    """One circuit with so much on each phase, its power not limited."""
    return [int(amps * 1000)] * 3 + [10**9]


def amperes(sockets: list[Request], room: list[int], *balances: Balance) -> dict[str, float]:
    return {name: share.amps_ma / 1000 for name, share in common_current(sockets, room, balances).items()}


# ------------------------------------------------------------ the rules of the manual


@pytest.mark.rule("B-155", "B-156", "B-157", "B-158")
@pytest.mark.parametrize(
    ("what", "sockets", "limit", "expected"),
    [
        (
            "rule 1: both maxima fit, so nothing is done",
            [socket("1", most=16_000), socket("2", most=16_000)],
            32,
            {"1": 16, "2": 16},
        ),
        ("rule 1: one alone is not reduced", [socket("1")], 32, {"1": 32}),
        ("rule 2: both are reduced by the same until they fit", [socket("1"), socket("2")], 32, {"1": 16, "2": 16}),
        (
            "rule 2: in steps of 0.1 A, however fine a pilot is",
            [socket("1", resolution_ma=10), socket("2", resolution_ma=10)],
            31.19,
            {"1": 15.5, "2": 15.5},
        ),
        (
            "rule 2: what a small cable leaves is the other's",
            [socket("1", most=13_000), socket("2")],
            32,
            {"1": 13, "2": 19},
        ),
        ("rule 3: exactly at the minimum both charge", [socket("1"), socket("2")], 25, {"1": 12.5, "2": 12.5}),
        (
            "rule 3: a picky vehicle keeps its minimum while the others have less",
            [socket("1", minimum_ma=20_000), socket("2", minimum_ma=6_000), socket("3", minimum_ma=6_000)],
            40,
            {"1": 20, "2": 10, "3": 10},
        ),
        ("rule 4: then one charges, with all there is", [socket("1"), socket("2")], 24.9, {"1": 24.9, "2": 0}),
        (
            "rule 4: of many as many as fit, with what they can have in common",
            [socket("1"), socket("2"), socket("3"), socket("4")],
            40,
            {"1": 13.3, "2": 13.3, "3": 13.3, "4": 0},
        ),
        (
            "the power of the station is such a limit too",
            [socket("1"), socket("2", (0, 3))],
            (100, 100, 100, 64),
            {"1": 16, "2": 16},
        ),
        (
            "one current for all, whatever the phase",
            [socket("1", L1), socket("2", L1), socket("3", L2)],
            32,
            {"1": 16, "2": 16, "3": 16},
        ),
        (
            "classes and weights count for nothing",
            [socket("1", priority=5), socket("2", weight=9)],
            32,
            {"1": 16, "2": 16},
        ),
        ("nothing to give", [socket("1")], -1, {"1": 0}),
        ("nobody", [], 32, {}),
    ],
)  # fmt: skip
def test_the_rules(what: str, sockets: list[Request], limit: float | tuple[float, ...], expected: dict[str, float]):
    room = [int(amps * 1000) for amps in limit] if isinstance(limit, tuple) else station(limit)
    assert amperes(sockets, room) == expected, what


def test_a_station_knows_nothing_of_its_neighbour():
    """Two stations on one connection: below the full one all have less, beside it nobody, until the connection is."""
    one, other = tuple(range(8)), (8, 9, 10, 11, 4, 5, 6, 7)
    sockets = [socket("1", one), socket("2", one), socket("3", other)]
    assert amperes(sockets, [*station(30), *station(100), *station(100)]) == {"1": 15, "2": 15, "3": 32}
    assert amperes(sockets, [*station(30), *station(50), *station(100)]) == {"1": 15, "2": 15, "3": 20}


def test_a_share_names_the_innermost_limit_that_stopped_it():
    one, other = tuple(range(8)), (8, 9, 10, 11, 4, 5, 6, 7)
    sockets = [socket("1", one), socket("2", one), socket("3", other)]
    shares = common_current(sockets, [30_000, 31_000, 31_000, 10**9, *station(45), *station(100)])
    assert shares == {"1": Share(15_000, 0), "2": Share(15_000, 0), "3": Share(15_000, 4)}
    shares = common_current(sockets, [30_000, 31_000, 31_000, 10**9, *station(44), *station(100)])
    assert shares == {name: Share(14_600, 4) for name in ("1", "2", "3")}
    one, other = (4, 5, 6, 7, 0, 1, 2, 3), (8, 9, 10, 11, 0, 1, 2, 3)
    sockets = [socket("1", one), socket("2", one), socket("3", other, resolution_ma=50)]
    shares = common_current(sockets, [45_050, 45_050, 45_050, 10**9, *station(30.05), *station(100)])
    assert shares == {"1": Share(15_000, 4), "2": Share(15_000, 4), "3": Share(15_000, 0)}


def test_the_common_current_rises_while_the_phases_stay_in_balance():
    balance = Balance(0, 20_000)
    sockets = [socket("1", L1), socket("2", L1), socket("3", L2), socket("4", L3)]
    shares = common_current(sockets, station(100), [balance])
    assert shares == {name: Share(20_000, 0, balance=True) for name in ("1", "2", "3", "4")}
    mixed = sockets[:2] + [each._replace(resolution_ma=1_000) for each in sockets[2:]]
    assert amperes(mixed, station(100), Balance(0, 20_500)) == {"1": 20.2, "2": 20.3, "3": 20, "4": 20}


# ------------------------------------------------------------ what always holds

WAYS = [(0,), (1,), (2,), (0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 3, 4, 7), (1, 3, 5, 7), tuple(range(8)), (8, 11, 4, 7)]
requests = st.lists(
    st.tuples(
        st.sampled_from(WAYS),
        st.sampled_from([6_000, 10_000, 12_500]),
        st.integers(0, 400).map(lambda steps: steps * 100),
        st.none() | st.floats(0, 9),
        st.floats(0, 9),
        st.integers(0, 2),
        st.booleans(),
        st.sampled_from([100, 500]),
    ),
    max_size=12,
).map(
    lambda rows: [
        Request(f"cp{n}", *row[:5], priority=row[5], resolution_ma=row[7], adrift=row[6] and len(row[0]) < 3)
        for n, row in enumerate(rows)
    ]
)
rooms = st.lists(st.integers(-5_000, 150_000), min_size=12, max_size=12)
imbalances = st.lists(st.integers(0, 40_000), max_size=2).map(
    lambda limits: [Balance(number, limit) for number, limit in enumerate(limits)]
)


@given(requests, rooms, imbalances, st.randoms(use_true_random=False))
def test_s7_the_order_of_the_input_changes_nothing(
    sockets: list[Request], room: list[int], balances: list[Balance], shuffler: random.Random
):
    mixed = list(sockets)
    shuffler.shuffle(mixed)
    assert common_current(sockets, room, balances) == common_current(mixed, room, balances)


@given(requests, rooms, imbalances)
def test_s1_s5_zero_or_in_range_and_no_line_is_overdrawn(
    sockets: list[Request], room: list[int], balances: list[Balance]
):
    shares = common_current(sockets, room, balances)
    assert shares.keys() == {each.charge_point for each in sockets}
    for request in sockets:
        current = shares[request.charge_point].amps_ma
        assert current == 0 or request.minimum_ma <= current <= request.maximum_ma
        assert current % request.resolution_ma == 0
    for line, free in enumerate(room):
        assert taken(sockets, shares, line) <= max(0, free)


def taken(sockets: list[Request], shares: dict[str, Share], line: int) -> int:
    return sum(shares[each.charge_point].amps_ma * pulls(each.lines).get(line, 0) for each in sockets)


@given(requests, rooms, imbalances)
def test_s6_no_difference_of_phases_is_above_its_limit(
    sockets: list[Request], room: list[int], balances: list[Balance]
):
    shares = common_current(sockets, room, balances)
    laid, _, marked = lay(sockets, room, balances)
    scales = Scales(marked)
    for request in laid:
        scales.put(request.lines, shares[request.charge_point].amps_ma)
    assert not scales.tilted()


@given(requests, rooms)
def test_below_the_circuit_that_is_named_one_step_more_for_all_would_be_too_much(
    sockets: list[Request], room: list[int]
):
    """The steps go on while every limit holds (S10, in the way of this preset)."""
    shares = common_current([each._replace(resolution_ma=100) for each in sockets], room)
    level: dict[int, int] = {}
    for request in sockets:
        share = shares[request.charge_point]
        if share.line is not None and share.amps_ma > request.minimum_ma:
            level[share.line] = max(level.get(share.line, 0), share.amps_ma)
    for line, reached in level.items():
        more = sum(
            min(STEP_MA, each.maximum_ma - reached) * pulls(each.lines).get(line, 0)
            for each in sockets
            if shares[each.charge_point].line is not None and shares[each.charge_point].amps_ma == reached
        )
        assert taken(sockets, shares, line) + more > room[line]


@given(requests, rooms)
def test_all_who_are_stopped_below_one_circuit_have_one_current(sockets: list[Request], room: list[int]):
    shares = common_current([each._replace(resolution_ma=100) for each in sockets], room)
    found: dict[int, set[int]] = {}
    for request in sockets:
        amps, line, _ = shares[request.charge_point]
        if amps > request.minimum_ma and line is not None:
            found.setdefault(line // LIMITS, set()).add(amps)
    assert all(len(currents) == 1 for currents in found.values())


@given(requests, rooms, imbalances)
def test_what_is_remembered_changes_nothing(sockets: list[Request], room: list[int], balances: list[Balance]):
    remembers = sharing(Algorithm.GREENFLUX_LOCAL)
    first = remembers.allocate(sockets, room, balances)
    assert remembers.allocate(sockets, room, balances) is first
    asked = remembers.asked
    assert asked == (sockets, room, tuple(balances))
    assert remembers.allocate(sockets, [free + 1_000 for free in room], balances) is remembers.shares
    assert remembers.shares == common_current(sockets, [free + 1_000 for free in room], balances)


# ------------------------------------------------------------ days on boards


def two_sockets(limit: float, **settings: object) -> Boards:
    """A station as the manual has it, settled."""
    points = places(2, minimum_ma=MINIMUM_MA, fallback_ma=0, priority=0)
    points[1] = replace(points[1], priority=3, weight=7)
    circuit = Circuit("station", each(int(limit * 1000)))
    there = [replace(point, circuit="station") for point in points]
    return Boards([circuit], there, algorithm=Algorithm.GREENFLUX_LOCAL, **settings).run(12)  # type: ignore[arg-type]


def signals(world: Boards) -> list[float]:
    return [device.signalled_ma / 1000 for device in world.devices.values()]


@pytest.mark.rule("B-155", "B-156")
def test_the_first_has_all_until_the_second_comes_and_again_when_it_leaves():
    world = two_sockets(32)
    world.arrive("n/cp1")
    world.run(20)
    assert signals(world) == [32, 0]
    world.arrive("n/cp2")
    world.run(20)
    assert signals(world) == [16, 16]
    world.leave("n/cp1")
    world.run(20)
    assert signals(world) == [0, 32]
    assert not world.violations


def test_explain_names_the_limit_and_the_current_in_common():
    world = two_sockets(32)
    world.arrive("n/cp1")
    world.arrive("n/cp2")
    world.run(20)
    binding, shared = world.state.points_by_name["n/cp1"].reason
    assert (binding.limit, binding.circuit, binding.phase, binding.available_ma) == ("fuse", "station", "L1", 32_000)
    assert (shared.limit, shared.source, shared.circuit) == ("common_current", "2 charging", "station")


@pytest.mark.rule("B-158")
def test_below_both_minima_they_charge_in_turns_each_with_all_there_is():
    world = two_sockets(20, rotation_seconds=SLICE)
    world.arrive("n/cp1")
    world.arrive("n/cp2")
    served = [0.0, 0.0]
    for _ in range(int(6 * SLICE)):
        world.run(1)
        currents = signals(world)
        assert min(currents) == 0
        served = [was + (amps == 20) for was, amps in zip(served, currents, strict=True)]
    assert min(served) > 2 * SLICE
    assert not world.violations
    waiting = next(point for point in world.state.points if not point.target_ma)
    assert [link.limit for link in waiting.reason] == ["fuse", "waiting"]


@pytest.mark.rule("B-159")
def test_after_a_quarter_of_an_hour_without_demand_the_other_has_the_rest():
    world = two_sockets(32, unused_seconds=900.0)
    world.arrive("n/cp1", Vehicle(appetite_ma=0))
    world.arrive("n/cp2")
    world.run(880)
    assert signals(world) == [16, 16]
    world.run(60)
    assert signals(world) == [12.5, 19.5]
    assert not world.violations


@pytest.mark.rule("B-161")
def test_a_limit_of_somebody_else_scales_all_down_alike():
    world = two_sockets(32)
    world.arrive("n/cp1")
    world.arrive("n/cp2")
    world.run(20)
    world.limit("station", each(26_000))
    world.run(10)
    assert signals(world) == [13, 13]
    assert not world.violations


def test_s6_the_balance_holds_on_real_pilots():
    circuit = Circuit("grid", each(100_000), imbalance_ma=20_000)
    wired = zip(places(3, fallback_ma=0), (Wiring.RST, Wiring.RST, Wiring.STR), strict=True)
    points = [replace(place, wiring=wiring) for place, wiring in wired]
    world = Boards([circuit], points, algorithm=Algorithm.GREENFLUX_LOCAL).run(12)
    for name in world.devices:
        world.arrive(name, Vehicle(phases=1))
    world.run(60)
    assert signals(world) == [10, 10, 10]  # 20 A on L1, nothing on L3
    assert not world.violations


def test_s8_a_steady_park_is_left_alone():
    world = two_sockets(27)
    world.arrive("n/cp1")
    world.arrive("n/cp2")
    world.run(30)
    before = {name: list(device.changes) for name, device in world.devices.items()}
    world.run(300)
    assert {name: device.changes for name, device in world.devices.items()} == before

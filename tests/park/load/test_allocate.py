from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.load.admission import Request, Share
from park.load.allocate import Allocation, allocate
from park.load.fair.balance import Balance
from park.load.fair.columns import pulls

L1, L2, L3 = 0, 1, 2
ALL = (L1, L2, L3)


def car(name: str, lines: tuple[int, ...] = ALL, most: int = 32_000, **more: object) -> Request:
    return Request(name, lines, 6_000, most, **more)  # type: ignore[arg-type]


def amps(requests: list[Request], room: list[int]) -> dict[str, float]:
    return {name: share.amps_ma / 1000 for name, share in allocate(requests, room).items()}


@pytest.mark.rule("B-403", "B-407", "B-409", "B-155", "B-156", "B-157", "B-158", "B-266")
@pytest.mark.parametrize(
    ("what", "cars", "room_amps", "expected"),
    [
        ("enough for all: nothing is reduced", [car("a", most=16_000), car("b", most=16_000)], 40, {"a": 16, "b": 16}),
        ("too little: all the same", [car("a"), car("b"), car("c")], 42, {"a": 14, "b": 14, "c": 14}),
        (
            "what a capped car leaves goes to the others",
            [car("a", most=10_000), car("b"), car("c")],
            42,
            {"a": 10, "b": 16, "c": 16},
        ),
        ("phases are shared one by one", [car("a"), car("b", (L1,)), car("c", (L2,))], 30, {"a": 15, "b": 15, "c": 15}),
        (
            "a free phase is not wasted",
            [car("a", (L1,)), car("b", (L1,)), car("c", (L2,))],
            30,
            {"a": 15, "b": 15, "c": 30},
        ),
        (
            "rounded down to what a pilot can signal",
            [car("a"), car("b"), car("c")],
            40,
            {"a": 13.3, "b": 13.3, "c": 13.3},
        ),
        (
            "no minimum, no current: the longest waiting is served",
            [car("a", waiting_since=2.0), car("b", waiting_since=1.0)],
            11,
            {"a": 0, "b": 11},
        ),
        (
            "who charges goes on before who waits",
            [car("a", charging_since=9.0), car("b", waiting_since=1.0)],
            11,
            {"a": 11, "b": 0},
        ),
        (
            "the longest charging pauses first",
            [car("a", charging_since=1.0), car("b", charging_since=9.0)],
            11,
            {"a": 0, "b": 11},
        ),
        (
            "who does not fit keeps nobody from fitting",
            [car("a", waiting_since=1.0, margin_ma=9_000), car("b", waiting_since=2.0)],
            11,
            {"a": 0, "b": 11},
        ),
        (
            "a higher class first, the lower keeps its minimum",
            [car("a", priority=1, most=20_000), car("b")],
            30,
            {"a": 20, "b": 10},
        ),
        (
            "a higher class before who charges",
            [car("a", charging_since=1.0), car("b", priority=1)],
            11,
            {"a": 0, "b": 11},
        ),
        ("weights", [car("a", weight=2), car("b")], 30, {"a": 20, "b": 10}),
        ("a cable too small for the minimum", [car("a", most=5_000), car("b")], 20, {"a": 0, "b": 20}),
        ("nothing left", [car("a")], -3, {"a": 0}),
    ],
)  # fmt: skip
def test_shares(what: str, cars: list[Request], room_amps: int, expected: dict[str, float]):
    assert amps(cars, [room_amps * 1000] * 3) == expected, what


def test_a_share_names_the_conductor_that_stopped_it():
    shares = allocate([car("a", (L1,)), car("b", (L2,), most=10_000), car("c", (L3,))], [20_000, 20_000, 5_000])
    assert shares == {"a": Share(20_000, L1), "b": Share(10_000, None), "c": Share(0, L3)}


requests = st.lists(
    st.builds(
        lambda lines, most, since, waits, priority, weight: (lines, most, since, waits, priority, weight),
        st.sampled_from(
            [(0,), (1,), (2,), (0, 1), (0, 1, 2), (0, 4), (1, 5), (0, 1, 2, 4, 5, 6), (0, 3), (0, 1, 2, 3, 4, 5, 6, 7)]
        ),
        st.integers(0, 400).map(lambda steps: steps * 100),
        st.none() | st.floats(0, 9),
        st.floats(0, 9),
        st.integers(0, 1),
        st.integers(1, 3),
    ),
    max_size=12,
).map(
    lambda rows: [
        Request(f"cp{n}", lines, 6_000, most, since, waits, 0, priority, weight)
        for n, (lines, most, since, waits, priority, weight) in enumerate(rows)
    ]
)
rooms = st.lists(st.integers(-5_000, 150_000), min_size=8, max_size=8)


@given(requests, rooms, st.randoms(use_true_random=False))
def test_s7_the_order_of_the_input_changes_nothing(cars: list[Request], room: list[int], shuffler: random.Random):
    mixed = list(cars)
    shuffler.shuffle(mixed)
    assert allocate(cars, room) == allocate(mixed, room)


@given(requests, rooms)
def test_s5_zero_or_at_least_the_minimum_and_no_conductor_is_overdrawn(cars: list[Request], room: list[int]):
    shares = allocate(cars, room)
    for request in cars:
        current = shares[request.charge_point].amps_ma
        assert current == 0 or request.minimum_ma <= current <= request.maximum_ma
        assert current % request.resolution_ma == 0
    for line, free in enumerate(room):
        used = sum(shares[c.charge_point].amps_ma * pulls(c.lines).get(line, 0) for c in cars)
        assert used <= max(0, free)


@given(requests, rooms)
def test_no_current_is_left_that_somebody_could_take(cars: list[Request], room: list[int]):
    """Whoever has less than its maximum hangs on a conductor with less left than one step for those on it (S10)."""
    shares = allocate(cars, room)
    taken = [sum(shares[c.charge_point].amps_ma * pulls(c.lines).get(n, 0) for c in cars) for n in range(len(room))]
    left = [free - used for free, used in zip(room, taken, strict=True)]
    served = {c.charge_point for c in cars if shares[c.charge_point].amps_ma}
    for request in cars:
        share = shares[request.charge_point]
        if share.amps_ma and share.amps_ma <= request.maximum_ma - request.resolution_ma:
            assert share.line is not None
            steps = sum(
                (c.resolution_ma + c.weight) * pulls(c.lines).get(share.line, 0)
                for c in cars
                if c.charge_point in served
            )
            assert left[share.line] <= steps
        elif not share.amps_ma and request.maximum_ma >= request.minimum_ma:
            assert share.line is not None


@given(requests, rooms)
def test_max_min_fair_nobody_has_more_than_one_who_was_stopped_beside_it(cars: list[Request], room: list[int]):
    shares = allocate(cars, room)
    for slow in cars:
        line, reached = shares[slow.charge_point].line, shares[slow.charge_point].amps_ma
        if line is None or not reached:
            continue
        for fast in cars:
            alike = fast.priority == slow.priority and fast.weight == slow.weight
            if alike and line in fast.lines:
                assert shares[fast.charge_point].amps_ma <= max(reached, fast.minimum_ma) + slow.resolution_ma


def test_a_share_that_the_balance_stopped_names_the_phase_with_too_much():
    """The first of the differences there are, and the last."""
    one, other = Balance(0, 10_000), Balance(0, 10_000, (0, 0, 0), (0, 9_000, 0))
    shares = allocate([car("a", (L1,)), car("c", (L3,))], [100_000] * 4, [one])
    assert shares == {"a": Share(10_000, L1, balance=True), "c": Share(10_000, L3, balance=True)}
    shares = allocate([car("a", (L1,)), car("c", (L3,))], [15_000, 100_000, 100_000, 100_000], [other])
    assert shares == {"a": Share(15_000, L1), "c": Share(19_000, L3, balance=True)}


def test_nobody_on_nothing_has_nothing():
    assert Allocation().allocate([], []) == {}


def test_what_is_remembered_is_of_these_vehicles_alone():
    allocation = Allocation()
    room = [30_000] * 4
    one, two = [car("a")], [car("a"), car("b")]
    for requests in (one, two, one, two, two):
        assert allocation.allocate(requests, room) == allocate(requests, room)

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load.circuit import Circuit, Placement
from park.load.invariants import Cause, OverloadWatch, PromiseWatch, SignalWatch
from park.model.grant import Grant, Stamp

FUSE = Circuit("grid", (40_000, 40_000, 40_000), external_fallback_ma=(0, 0, 0))
LIMIT = FUSE.limit_ma


def each(current: int) -> tuple[int, int, int]:
    return (current, 0, 0)


def watched(*samples: tuple[float, int, int], cause: Cause | None = None) -> list[str]:
    """(at, own, external) on L1 → the invariants violated."""
    watch = OverloadWatch(FUSE)
    if cause is not None:
        watch.began(cause)
    return [v.invariant for at, own, ext in samples for v in watch.observe(at, LIMIT, each(own), each(ext))]


@pytest.mark.parametrize(
    ("samples", "cause", "violated"),
    [
        ([(0, 30_000, 10_000), (100, 30_000, 10_000)], None, []),
        ([(0, 30_000, 0), (50, 30_000, 20_000), (61.9, 30_000, 20_000)], None, []),
        ([(0, 30_000, 0), (50, 30_000, 20_000), (62.1, 30_000, 20_000)], None, ["S3"]),
        ([(0, 30_000, 0), (50, 30_000, 20_000), (57, 20_000, 20_000)], None, []),
        ([(0, 30_000, 0), (50, 50_000, 0)], None, ["S4"]),
        ([(0, 30_000, 0), (50, 45_000, 0), (64, 45_000, 0)], Cause.VEHICLE, []),
        ([(0, 30_000, 0), (50, 45_000, 0), (66, 45_000, 0), (70, 45_000, 0)], Cause.VEHICLE, ["S3"]),
        ([(0, 30_000, 0), (50, 30_000, 55_000), (58.1, 30_000, 55_000)], None, ["S3"]),  # above 2 × the fuse
        ([(0, 30_000, 0), (50, 30_000, 95_000)], None, ["S3"]),  # above 3 ×, and the house alone is below it
        ([(0, 0, 0), (50, 0, 300_000), (90, 0, 300_000)], None, []),  # none of our doing
    ],
)
def test_overloads(samples: list[tuple[float, int, int]], cause: Cause | None, violated: list[str]):
    assert watched(*samples, cause=cause) == violated


def test_a_cause_that_ended_excuses_for_its_bound_only():
    watch = OverloadWatch(FUSE)
    watch.began(Cause.RESTART)
    watch.ended(Cause.RESTART, 10.0)
    assert not watch.observe(0.0, LIMIT, each(30_000), each(0))
    assert not watch.observe(20.0, LIMIT, each(45_000), each(0))
    assert watch.observe(27.0, LIMIT, each(45_000), each(0))


def test_what_nobody_can_take_away_is_not_counted():
    watch = OverloadWatch(FUSE)
    assert not watch.observe(0.0, LIMIT, each(6_000), each(39_000), each(6_000))


POINT = Placement("n/cp", "n", "grid", fallback_ma=6_000)


def grant(amps: int, sequence: int, lapse: int = 6_000, name: str = "n/cp") -> Grant:
    return Grant(name, amps, (1, 2, 3), 1, "s", sequence, 10.0, lapse, Stamp("n", "b", 0.0))


def test_s2_a_signal_needs_a_grant():
    watch = SignalWatch(POINT)
    assert [v.invariant for v in watch.signalled(0.0, 6_000)] == ["S2"]
    watch.granted(1.0, grant(16_000, 2), valid_until=11.0)
    watch.granted(1.5, grant(32_000, 1), valid_until=11.5)  # overtaken
    assert not watch.signalled(2.0, 16_000)
    assert watch.signalled(3.0, 20_000)
    assert not watch.signalled(11.9, 16_000)
    assert watch.signalled(12.1, 16_000)
    assert not watch.signalled(13.0, 6_000)
    watch.booted(20.0)
    assert watch.signalled(22.0, 6_000)


@pytest.mark.parametrize(("amps", "fine"), [(0, True), (5_900, False), (6_000, True), (32_000, True), (32_100, False)])
def test_s5_zero_or_within_the_limits(amps: int, fine: bool):
    watch = SignalWatch(POINT)
    watch.granted(0.0, grant(40_000, 1), valid_until=10.0)
    assert (not watch.signalled(1.0, amps)) is fine
    assert not fine or not watch.signalled(1.1, amps, cable_ma=32_000)


def test_s1_a_raise_needs_room_beside_the_worst_of_the_others():
    other = Placement("n/cp2", "n", "grid")
    watch = PromiseWatch([FUSE], [POINT, other])
    watch.stamped(Stamp("n", "b", 0.0), 0.0)
    assert not watch.sent(0.0, grant(30_000, 1))
    watch.signalled(0.1, "n/cp", 30_000, 0, (1, 1), open_=False)
    assert not watch.sent(1.0, grant(20_000, 2, 0))
    assert watch.sent(1.1, grant(20_000, 3, 0, "n/cp2"))  # increase before decrease
    watch = PromiseWatch([FUSE], [POINT, other])
    watch.signalled(0.1, "n/cp", 30_000, 0, (1, 1), open_=False)
    watch.signalled(2.0, "n/cp", 20_000, 0, (1, 2), open_=False)
    assert watch.sent(6.9, grant(20_000, 3, 0, "n/cp2"))  # the vehicle may not have followed
    watch.metered("grid", each(0))
    assert not watch.sent(7.1, grant(20_000, 4, 0, "n/cp2"))
    watch.limited("grid", (30_000, 30_000, 30_000))
    assert watch.sent(20.0, grant(25_000, 5, 0, "n/cp2"))


def test_s1_a_raise_beyond_the_limit_in_watts_is_caught():
    fuse = replace(FUSE, limit_watts=253 * 3 * 20)
    watch = PromiseWatch([fuse], [POINT])
    watch.loads("n/cp", 3)
    assert not watch.sent(0.0, grant(20_000, 1))
    assert [(found.invariant, found.what) for found in watch.sent(0.0, grant(20_100, 2))] == [("S1", "grid power")]

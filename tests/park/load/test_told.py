"""A lapse current lowered on the server while its board is away: what it was counts until the board has the lower."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from park.load import coordinator
from park.load.circuit import Placement
from park.load.invariants import Violation
from park.load.state import CoordinatorSettings
from park.load.told import LapseKept, Told, row_of, telling, told_of
from park.model.placement import PlacementKept
from park.model.storage import Row
from tests.park.load.boards import Boards, each, grid, places

GRID = grid(40_000, external_fallback_ma=each(0), meter=None)
NEAR = places(1, "near", metered=False)[0]
AWAY = replace(places(1, "away", metered=False)[0], fallback_ma=16_000, boot_ma=16_000)
LOWERED = replace(AWAY, fallback_ma=6_000, boot_ma=0)
BEFORE = {NEAR.charge_point: Told(6_000, 0), AWAY.charge_point: Told(16_000, 16_000)}
SERVER = "server"


def restarted(placements: Sequence[Placement], told: dict[str, Told]) -> Boards:
    """Both vehicles charge; the server begins anew with other placements while nobody hears `away`."""
    world = Boards([GRID], [NEAR, AWAY], node=SERVER)  # type: ignore[arg-type]
    for name in (NEAR.charge_point, AWAY.charge_point):
        world.arrive(name)
    world.run(30.0)
    world.links["away"].cut = True
    said = telling([GRID], placements, told)
    world.settings = replace(world.settings, placements=said.placements, told=said.counted, node=SERVER)
    world.start_coordinator(epoch=2)
    world.report(NEAR.charge_point)
    world.wish(NEAR.charge_point)
    return world.run(60.0)


def shares(world: Boards) -> dict[str, int]:
    return {name: device.signalled_ma for name, device in world.devices.items()}


def test_what_an_absent_board_falls_to_is_counted_until_it_has_the_lower_current():
    world = restarted([NEAR, LOWERED], BEFORE)
    assert shares(world) == {NEAR.charge_point: 23_000, AWAY.charge_point: 16_000}
    assert world.violations == []


def test_without_what_was_told_the_fuse_is_given_away_twice():
    """So that the test above can fail."""
    broken = {violation.invariant for violation in restarted([NEAR, LOWERED], {}).violations}
    assert broken & {"S1", "S3", "S4"}


def test_a_board_that_is_away_may_have_booted():
    """What it reported before was lower than its boot current."""
    points = [NEAR, replace(AWAY, fallback_ma=0)]
    world = Boards([GRID], points)
    for point in points:
        world.arrive(point.charge_point)
    world.run(30.0)
    assert world.devices[AWAY.charge_point].lapse_ma == 0
    world.links["away"].cut = True
    world.reboot("away")
    world.arrive(AWAY.charge_point)
    world.run(40.0)
    assert shares(world) == {NEAR.charge_point: 23_000, AWAY.charge_point: 16_000}
    assert [each for each in world.violations if not _of_the_step(each)] == []


def _of_the_step(violation: Violation) -> bool:
    """The board boots at once with the current of its boot: within the bounds of S3 that is nobody's fault."""
    return violation.invariant == "S4"


# ------------------------------------------------------------ confirmed


def heard() -> Boards:
    """The board is back and has reported its electronics with the lower lapse current; not yet that it kept it."""
    world = Boards([GRID], [NEAR, LOWERED])
    world.settings = CoordinatorSettings((GRID,), (NEAR, LOWERED), "s", node=SERVER, told=BEFORE)
    world.start_coordinator()
    return world.run(20.0)


def kept(world: Boards, fallback_ma: int, boot_ma: int) -> list[LapseKept]:
    message = PlacementKept(AWAY.charge_point, fallback_ma, boot_ma)
    _, effects = coordinator.step(world.state, message, world.clock())
    return [effect for effect in effects if isinstance(effect, LapseKept)]


def test_it_is_written_down_once_when_board_and_electronics_have_nothing_higher():
    world = heard()
    assert kept(world, 16_000, 16_000) == []
    assert kept(world, 6_000, 16_000) == []
    assert kept(world, 6_000, 0) == [LapseKept(AWAY.charge_point, Told(6_000, 0))]
    assert kept(world, 6_000, 0) == []


def test_a_board_that_kept_it_still_counts_while_its_electronics_were_not_read_back():
    world = Boards([GRID], [NEAR, LOWERED])
    world.settings = CoordinatorSettings((GRID,), (NEAR, LOWERED), "s", node=SERVER, told=BEFORE)
    world.links["away"].cut = True
    world.start_coordinator()
    world.run(20.0)
    assert kept(world, 6_000, 0) == []
    point = world.state.points_by_name[AWAY.charge_point]
    assert max(point.committed_ma(world.now)) == 16_000
    world.links["away"].cut = False
    world.report(AWAY.charge_point)
    world.run(2.0)
    assert max(point.committed_ma(world.now)) == 6_000
    assert point.commitment.told == Told(6_000, 0)


def test_a_board_whose_disk_kept_the_higher_boot_current_counts_with_it_when_it_is_silent():
    world = heard()
    point = world.state.points_by_name[AWAY.charge_point]
    assert max(point.committed_ma(world.now)) == 6_000
    world.links["away"].cut = True
    world.run(30.0)
    assert max(point.committed_ma(world.now)) == 16_000


# ------------------------------------------------------------ what is told


def test_at_first_the_file_is_told():
    said = telling([GRID], [NEAR, AWAY], {})
    assert said.placements == (NEAR, AWAY)
    assert said.counted == BEFORE
    assert said.notes == ()


def test_what_is_raised_counts_before_it_is_told():
    said = telling([GRID], [NEAR, AWAY], BEFORE | {AWAY.charge_point: Told(6_000, 0)})
    assert (said.placements, said.counted, said.notes) == ((NEAR, AWAY), BEFORE, ())


def test_what_is_lowered_names_the_board():
    said = telling([GRID], [NEAR, LOWERED], BEFORE)
    assert (said.placements, said.counted) == ((NEAR, LOWERED), BEFORE)
    (note,) = said.notes
    assert note == (
        "charge point away/cp1: board away was told fallback 16 A and boot 16 A before; the higher ones count until "
        "it was connected and has confirmed fallback 6 A and boot 0 A"
    )


def test_where_then_and_now_do_not_fit_together_nothing_is_raised_yet():
    raised = replace(NEAR, fallback_ma=32_000)
    said = telling([GRID], [raised, LOWERED], BEFORE)
    assert said.placements == (NEAR, LOWERED)
    assert said.counted == BEFORE
    assert "away/cp1: board away was told" in said.notes[0]
    assert "lapse (fallback) currents 48 A" in said.notes[1]
    assert "wait until" in said.notes[-1]
    assert said.notes[-1].endswith("again: near/cp1")
    after = telling([GRID], [raised, LOWERED], BEFORE | {AWAY.charge_point: Told(6_000, 0)})
    assert after.placements == (raised, LOWERED)
    assert after.notes == ()


def test_a_new_charge_point_waits_too():
    said = telling([GRID], [replace(NEAR, fallback_ma=32_000), LOWERED], {AWAY.charge_point: Told(16_000, 16_000)})
    assert said.told(NEAR.charge_point) == Told(0, 0)
    assert said.counted[NEAR.charge_point] == Told(0, 0)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"fallback_ma": "x", "boot_ma": 0}'])
def test_rows_come_back_and_others_are_left_out(body: str):
    put = row_of("away/cp1", Told(6_000, 0))
    rows = (Row(put.table, put.key, put.body), Row("told", "near/cp1", body))
    assert told_of(rows) == {"away/cp1": Told(6_000, 0)}

"""The simulated day itself: what `chargepark simulate tests/scenarios/one_board_day.toml --seed 7` promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.simulation import DAY, Process

METERS = 13
HOURS = 24
SECONDS = HOURS * 3600 + 900  # the day, and the drain after it
MORNING_HOURS = 9  # the night and the rush: a process that differs in anything differs by then


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute of processor time an hour of the day on the slowest machine seen
@pytest.mark.xdist_group("day")
def test_a_day_at_one_board_breaks_no_promise_and_is_the_same_in_every_process(
    record_property: Callable[[str, object], None],
):
    whole = Process.started(DAY, 7, hash_seed=1)
    again = Process.started(DAY, 7, 2, "--hours", str(MORNING_HOURS)).outcome()
    day = whole.outcome()
    record_property("figure", f"simulated day, seed 7: {day['speed']:.0f} × real time, sha256 {day['digest']}")
    assert day["violations"] == day["crashes"] == []
    assert len(day["digests"]) == HOURS
    assert day["digests"][:MORNING_HOURS] == again["digests"]
    assert day["sessions"] >= 30
    assert day["energy_wh"] > 300_000
    assert (day["outages"], day["left_in_queue"], day["dead_letters"]) == (1, 0, 0)
    assert day["longest_queue"] > 100, "the outage fell into a busy hour"
    assert day["full_seconds"] > 3600, "the fuse was what limited the cars"
    assert METERS * SECONDS * 0.999 <= day["readings"] <= METERS * (SECONDS + 10)

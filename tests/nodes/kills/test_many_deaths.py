"""Random kills of a server and its boards among many sessions: the bounded form of `make soak-kills`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.kill_run import Wish, kill_run

SESSIONS, KILLS = 45, 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.rule("B-074")
def test_many_deaths_cost_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    seed = int(os.environ.get("CHARGEPARK_SEED", "0")) or random.randrange(1, 10**6)
    record_property("figure", f"R01 seed {seed}; repeat with CHARGEPARK_SEED={seed}")
    found = kill_run(tmp_path, Wish(SESSIONS, KILLS, boards=2, points=5, seed=seed))
    record_property("figure", "R01 " + "; ".join(found.lines()))
    assert (found.problems, found.lost, found.doubled, found.stale) == ([], [], 0, 0)
    assert found.repeats <= found.kills["server"]
    assert found.sessions >= SESSIONS
    assert found.facts >= 2 * SESSIONS
    assert found.kills.total() >= KILLS

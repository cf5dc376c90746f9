from __future__ import annotations

from pathlib import Path

import pytest
from support.simulation import BOARD, MORNING, Process, board, morning, simulated

HOURS = 0.75  # the first of the outage is in it, its end in the drain after


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "morning.toml"
    text = MORNING.read_text().replace("hours = 1.5", f"hours = {HOURS}")
    path.write_text(text.replace('board = "one_board.toml"', f'board = "{BOARD}"'))
    return path


@pytest.mark.slow
def test_equal_seeds_give_equal_logs_in_every_process(scenario: Path):
    first, second = Process.started(scenario, 7, hash_seed=1), Process.started(scenario, 7, hash_seed=2)
    one, two = first.outcome(), second.outcome()
    timing = {"real_seconds", "speed"}
    assert {key: one[key] for key in one.keys() - timing} == {key: two[key] for key in two.keys() - timing}
    assert one["sessions"] >= 5


def test_looking_on_changes_nothing():
    """Progress and plot stop the world more often; it goes on as if nobody had looked."""
    scenario = morning(0.25)
    alone = simulated(scenario).go()
    samples: list[float] = []
    watched = simulated(scenario).go(lambda _now, _end: None, lambda _name, sampled: samples.append(sampled.mono))
    assert len(samples) == 15
    assert watched.digest == alone.digest


def test_the_seed_decides_who_comes_and_the_order_of_events():
    logs = {simulated(morning(0.1), board(), seed).go().digest for seed in (1, 2, 3)}
    assert len(logs) == 3

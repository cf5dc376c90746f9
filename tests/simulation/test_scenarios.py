from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Finished, chargepark
from support.simulation import BOARD, DAY, MORNING, SCENARIOS, board

from nodes.simulation.scenario import check_fits, read_scenario

Spoil = Callable[..., Finished]


@pytest.fixture
def spoiled(tmp_path: Path) -> Spoil:
    """A correct scenario that a test may spoil: a function that replaces text in it and simulates it."""
    shutil.copy(BOARD, tmp_path)
    path = tmp_path / "scenario.toml"

    def spoil(*replacements: tuple[str, str]) -> Finished:
        text = MORNING.read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return chargepark("simulate", str(path))

    return spoil


@pytest.mark.parametrize("path", [DAY, MORNING], ids=lambda path: path.stem)
def test_the_scenarios_here_are_fine(path: Path):
    scenario = read_scenario(path)
    check_fits(scenario, board(), path)
    assert scenario.event


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "noise_amps = 3",
            "noise_ampere = 3",
            "house[#1].noise_ampere: is not a known key; did you mean 'noise_amps'?",
        ),
        ("hours = 1.5", 'hours = "1.5"', "hours: is '1.5'; write a number without quotes"),
        ("hours = 1.5", "hours = 0", "hours: is 0, must be more than 0"),
        ("hours = 1.5\n", "", "hours: is missing"),
        ("phases = 1", "phases = 4", "arrivals.car[#1].phases: is 4, must be one of 1, 2 or 3"),
        ("max_amps = 16", "max_amps = 16\nmin_amps = 20", "arrivals.car[#5]: min_amps is 20, more than max_amps"),
        ("[10, 60]", "[60, 10]", "arrivals.stay_minutes: is [60, 10], the least comes first"),
        ("    [8, 6, 7],  # 00:00\n", "", "house[#1].amps: Tuple should have at least 24 items"),
        ('at = "0:35"', 'at = "half past"', "event[#1].at: String should match pattern"),
        ("2026-03-02T07:30:00Z", "2026-03-02T07:30:00", "start: is"),
        ('behaviour = "greedy"', 'behaviour = "greddy"', "did you mean 'greedy'?"),
        (
            'reader = "door"',
            'reader = "dor"',
            "arrivals.reader: 'dor' is no reader of one_board.toml; did you mean 'door'?",
        ),
        (
            'meter = "grid-meter"\nnoise',
            'meter = "cp1-meter"\nnoise',
            "house[#1].meter: 'cp1-meter' is no meter of a circuit",
        ),
        ('minutes = 2\nwhat = "meter silent"', 'minutes = 2\nwhat = "meter slient"', "did you mean 'meter silent'?"),
        (
            'silent"\nmeter = "grid-meter"',
            'silent"\nmeter = "grid"',
            "event[#2].meter: 'grid' is no meter of one_board.toml",
        ),
        ('board = "one_board.toml"', 'board = "two_boards.toml"', "two_boards.toml: there is no such file"),
        ('name = "one board, one morning"', "name = one board", "scenario.toml: not TOML: "),
    ],
)
def test_mistakes_are_told_with_file_key_reason_and_remedy(spoiled: Spoil, old: str, new: str, told: str):
    done = spoiled((old, new))
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.startswith("chargepark: ")
    assert "Traceback" not in done.stderr


def test_all_mistakes_are_told_at_once(spoiled: Spoil):
    done = spoiled(("noise_amps = 3", "noise_amp = 3"), ("hours = 1.5", "hours = -1"), ("share = 4", "share = true"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_scenario_that_cannot_be_read(name: str):
    done = chargepark("simulate", str(SCENARIOS / name))
    assert done.returncode == 2
    assert str(SCENARIOS / name) in done.stderr


def test_a_board_that_would_not_start_is_refused(spoiled: Spoil, tmp_path: Path):
    path = tmp_path / BOARD.name
    path.write_text(path.read_text().replace("limit_amps = [160, 160, 160]", "limit_amps = [90, 90, 90]"))
    done = spoiled()
    assert done.returncode == 2
    assert "exceed the limit 90 A" in done.stderr


def test_an_outage_needs_a_backend(spoiled: Spoil, tmp_path: Path):
    path = tmp_path / BOARD.name
    text = path.read_text()
    before, _, rest = text.partition("[backend]")
    path.write_text(before.replace('mode = "backend"', 'mode = "whitelist"') + rest[rest.index("[[circuit]]") :])
    done = spoiled()
    assert done.returncode == 2
    assert "event[#1].what: is a backend outage, and one_board.toml has no backend" in done.stderr

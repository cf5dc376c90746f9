"""How much faster than real time a board is simulated, with every meter read once a second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.table import Table
from nodes.checked_config import read_checked
from nodes.simulation.run import DRAIN_SECONDS, HOUR, Run
from nodes.simulation.scenario import Scenario, read_scenario
from park.physics.hardware import TRAITS

SCENARIOS = Path(__file__).parents[1] / "tests/scenarios"
SEED = 7


@dataclass(frozen=True, slots=True)
class Row:
    """One slice. `seconds`: virtual, with the drain after the end; `processor_seconds`: what they took."""

    what: str
    seconds: float
    processor_seconds: float
    readings: int
    messages: int
    events: int
    sessions: int

    @property
    def speed(self) -> float:
        """Virtual seconds a second of one core."""
        return self.seconds / self.processor_seconds


def run(hours: float = 1.0) -> list[Row]:
    """Simulate so many hours of a night, when nobody comes, and of a busy morning."""
    night = read_scenario(SCENARIOS / "one_board_day.toml").model_copy(update={"hours": hours, "event": ()})
    morning = read_scenario(SCENARIOS / "one_board_morning.toml").model_copy(update={"hours": hours})
    return [_measured("night", night), _measured("busy morning", morning)]


def report(*, quick: bool) -> Table:
    rows = run(0.02) if quick else run()
    return Table(
        "Simulation of twelve charge points",
        ("virtual time", "× real time", "meter readings", "messages", "µs a message", "logged events", "sessions"),
        tuple(
            (
                f"{row.seconds / HOUR:.2f} h, {row.what}",
                f"{row.speed:,.0f}",
                f"{row.readings:,}",
                f"{row.messages:,}",
                f"{row.processor_seconds / row.messages * 1e6:.1f}",
                f"{row.events:,}",
                f"{row.sessions:,}",
            )
            for row in rows
        ),
        "Seconds are those of the processor: other programs on the machine do not count.",
    )


def _measured(what: str, scenario: Scenario) -> Row:
    config = read_checked(SCENARIOS / scenario.board, lambda _: TRAITS).config
    simulation = Run(scenario, config, SEED)
    began = time.process_time()
    outcome = simulation.go()
    spent = time.process_time() - began
    seconds = outcome.seconds + DRAIN_SECONDS
    return Row(what, seconds, spent, outcome.readings, outcome.messages, outcome.events, outcome.sessions)

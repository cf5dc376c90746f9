"""Simulated boards for tests: the scenarios of this directory, shortened, changed, or sabotaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodes.checked_config import read_checked
from nodes.simulation.run import Run
from nodes.simulation.scenario import Scenario, read_scenario
from nodes.wiring import Roles
from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.physics.hardware import TRAITS

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests/scenarios"
DAY = SCENARIOS / "one_board_day.toml"
MORNING = SCENARIOS / "one_board_morning.toml"
BOARD = SCENARIOS / "one_board.toml"


def morning(hours: float, **changed: object) -> Scenario:
    """The busy morning, shortened, with other values for some keys."""
    return read_scenario(MORNING).model_copy(update={"hours": hours, **changed})


def board(*replacements: tuple[str, str]) -> NodeConfig:
    """The board of the scenarios, some of its text replaced."""
    if not replacements:
        return read_checked(BOARD, lambda _: TRAITS).config
    text = BOARD.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return parse(text, "the board of a test")


def simulated(scenario: Scenario, config: NodeConfig | None = None, seed: int = 7, roles: Roles = Roles()) -> Run:
    """A run that has not begun, so that a test may change its parts."""
    return Run(scenario, config or board(), seed, roles)


@dataclass(frozen=True, slots=True)
class Process:
    """A simulation in a process of its own."""

    popen: subprocess.Popen[str]

    @classmethod
    def started(cls, scenario: Path, seed: int, hash_seed: int, *options: str) -> Process:
        command = [sys.executable, "-m", "nodes.cli", "simulate", str(scenario), "--seed", str(seed), "--json"]
        command += options
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
        return cls(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True))

    def outcome(self) -> dict[str, Any]:
        """Wait for its end; what it printed."""
        out, _ = self.popen.communicate()
        return json.loads(out)

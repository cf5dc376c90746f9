"""Limits on a running board: a digital input, an operator's order that outlives kill -9, and why."""

from __future__ import annotations

from pathlib import Path

from support.cli import chargepark
from support.rig import Rig, bare_rig, eventually

INPUT = """
[[input]]
circuit = "grid"
number = 1
limit_amps = [40, 40, 40]
"""


def limits(park: Rig) -> list[tuple[str, str]] | None:
    """Kind and source of all in force; None: the node does not answer."""
    view = park.view()
    return None if view is None else [(limit.kind, limit.source) for limit in view.limits]


def grid_ma(park: Rig) -> int | None:
    view = park.view()
    return None if view is None else view.circuits[0].phases[0].limit_ma


def said(*words: str) -> str:
    done = chargepark(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_inputs_and_operators_limit_a_circuit_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with bare_rig(tmp_path) as park:
        config, bench = str(park.config.path), f"127.0.0.1:{park.config.bench}"
        park.config.path.write_text(park.config.path.read_text(encoding="utf-8") + INPUT, encoding="utf-8")
        park.start_node()
        eventually("an input nobody knows limits", lambda: limits(park) == [("input", "input 1 of board")])
        park.start_bench()
        eventually("one that is known to be low does not", lambda: limits(park) == [] and grid_ma(park) == 63_000)
        said("bench", "input", "board", "1", "high", "--target", bench)
        eventually("one that is high does", lambda: grid_ma(park) == 40_000)
        assert "grid L1: 30.0 A by a limit set by the operator (operator)" in said(
            "limit", "set", config, "grid", "--amps", "30"
        )
        eventually("the smaller holds", lambda: grid_ma(park) == 30_000)
        explained = said("explain", "cp1", "--target", f"127.0.0.1:{park.config.energy}")
        assert "limit    grid: 30.0 A by operator (a limit set by the operator)" in explained
        assert "limit    grid: 40.0 A by input 1 of board (a digital input)" in explained

        park.kill("node")
        park.start_node()
        eventually(
            "it is there again", lambda: limits(park) == [("input", "input 1 of board"), ("operator", "operator")]
        )
        assert "grid: 30.0 A by operator" in said("limit", "list", config)
        said("bench", "input", "board", "1", "low", "--target", bench)
        said("limit", "clear", config, "grid")
        eventually("nothing is left", lambda: limits(park) == [] and grid_ma(park) == 63_000)
        assert park.end("node") == 0
        assert "Traceback" not in park.log("node")

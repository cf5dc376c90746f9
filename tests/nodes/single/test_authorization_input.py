"""A key switch on a running board: a car charges without a card, and stops when the switch is turned again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import chargepark
from support.rig import Rig, bare_rig, eventually

SWITCH = """
[[authorization_input]]
number = 3
charge_point = "cp1"
stops = true
"""
BOB = '{ tag = "04D4E5F6", name = "Bob" }'


def turn(park: Rig, level: str) -> None:
    done = chargepark("bench", "input", "board", "3", level, "--target", f"127.0.0.1:{park.config.bench}")
    assert done.returncode == 0, done.stderr


@pytest.mark.rule("B-060", "B-061")
def test_a_switch_begins_and_ends_a_session(tmp_path: Path) -> None:
    with bare_rig(tmp_path, mode="whitelist") as park:
        text = park.config.path.read_text(encoding="utf-8")
        listed = text.replace(BOB, f'{BOB}, {{ tag = "input_auth" }}')
        assert listed != text
        park.config.path.write_text(listed + SWITCH, encoding="utf-8")
        park.start_bench()
        park.start_node()
        park.plug("cp1")
        eventually("the car is seen", lambda: park.pilot("cp1") == "B")
        turn(park, "high")
        eventually("current flows", lambda: park.charging("cp1"))
        turn(park, "low")
        turn(park, "high")
        eventually("it does not flow any more", lambda: not park.charging("cp1"))
        assert park.end("node") == 0
        assert "Traceback" not in park.log("node")

"""A digital input of a client board limits a circuit of the park, also when nobody knows its level any more."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.cli import chargepark
from support.park_rig import SERVER, ParkRig, park_rig
from support.rig import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
INPUT = """
[[input]]
circuit = "grid"
node = "bay-1"
number = 3
limit_amps = [40, 40, 40]
"""


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, clients=1, points=1, lease=4) as made:
        yield made


@pytest.mark.rule("B-078")
def test_an_input_of_a_client_board_limits_the_park(park: ParkRig) -> None:
    for node, before, after in ((SERVER, "", INPUT), ("bay-1", "[server]\n", "[server]\ninputs = [3]\n")):
        park.kill(node)
        text = park.files[node].read_text(encoding="utf-8")
        park.files[node].write_text(text.replace(before, after, 1) if before else text + after, encoding="utf-8")
    bench = f"127.0.0.1:{park.config.bench}"

    def limits() -> list[str] | None:
        view = park.view()
        return None if view is None else [limit.source for limit in view.limits]

    park.start_board(SERVER)
    eventually("an input nobody has heard of limits", lambda: limits() == ["input 3 of bay-1"])
    park.start_board("bay-1")
    eventually("one that is known to be low does not", lambda: limits() == [])
    assert chargepark("bench", "input", "bay-1", "3", "high", "--target", bench).returncode == 0
    eventually("one that is high does", lambda: limits() == ["input 3 of bay-1"])
    assert chargepark("bench", "input", "bay-1", "3", "low", "--target", bench).returncode == 0
    eventually("it is low again", lambda: limits() == [])
    park.kill("bay-1")
    eventually("its level is not known any more", lambda: limits() == ["input 3 of bay-1"])

"""A vehicle that fell asleep at a running board: 0 V on the pilot wakes it, and nobody sees a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import chargepark
from support.rig import bare_rig, eventually

WAKES = "[[charge_point]]\nwake_up_seconds = 2"
ADA = "04A1B2C3"


@pytest.mark.rule("B-281")
def test_a_vehicle_that_sleeps_is_woken_and_charges_in_one_transaction(tmp_path: Path) -> None:
    with bare_rig(tmp_path, points=1) as park:
        text = park.config.path.read_text(encoding="utf-8")
        park.config.path.write_text(text.replace("[[charge_point]]", WAKES), encoding="utf-8")
        park.start_bench()
        park.start_backend()
        park.start_node()
        eventually("the node is online", park.online)
        done = chargepark("bench", "plug", "cp1", "--behaviour", "asleep", "--target", f"127.0.0.1:{park.config.bench}")
        assert done.returncode == 0, done.stderr
        park.swipe(ADA, "cp1-reader")
        eventually("it is woken and charges", lambda: park.charging("cp1"))
        park.unplug("cp1")
        eventually("all is delivered", lambda: [each.stops for each in park.ledger().transactions()] != [])
        assert len(park.ledger().transactions()) == 1
        assert park.ledger().violations() == []
        assert park.end("node") == 0
        assert "shorted" not in park.log("node")

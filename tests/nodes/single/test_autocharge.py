"""Vehicles without a card on a running board: the electronics learn a MAC or give up, the backend decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import chargepark
from support.rig import Rig, bare_rig, eventually

from park.physics.slac import SLAC_SECONDS

AUTOCHARGE = '[authorization]\nautocharge = "fixed-id"\nautocharge_id = "FLEET"'
TALKS = "[[charge_point]]\nslac_seconds = 20"
BLOCKED = "VID:02000000000B"
ADA = "04A1B2C3"
PATIENCE = SLAC_SECONDS + 40.0  # for a board under load


def delivered(park: Rig) -> bool:
    transactions = park.ledger().transactions()
    return len(transactions) == 3 and all(each.stops for each in transactions)


@pytest.mark.rule("B-063", "B-064", "B-294")
def test_vehicles_charge_by_their_mac_or_by_the_fixed_id_and_by_card_where_the_backend_refuses(tmp_path: Path) -> None:
    with bare_rig(tmp_path, points=3) as park:
        text = park.config.path.read_text(encoding="utf-8")
        park.config.path.write_text(
            text.replace("[authorization]", AUTOCHARGE).replace("[[charge_point]]", TALKS), encoding="utf-8"
        )
        park.start_bench()
        park.start_backend("--blocked", BLOCKED)
        park.start_node()
        eventually("the node is online", park.online)
        park.plug("cp3")
        park.plug("cp2", mac="02:00:00:00:00:0b")
        bench = f"127.0.0.1:{park.config.bench}"
        done = chargepark("bench", "plug", "cp1", "--mac", "02:00:00:00:00:0a", "--target", bench)
        assert done.returncode == 0, done.stderr
        eventually("the vehicle with a MAC charges", lambda: park.charging("cp1"))
        assert not park.charging("cp3")
        eventually("the one without has the fixed id", lambda: park.charging("cp3"), PATIENCE)
        assert not park.charging("cp2")
        park.swipe(ADA, "cp2-reader")
        eventually("a card works", lambda: park.charging("cp2"))
        for point in ("cp1", "cp2", "cp3"):
            park.unplug(point)
        eventually("all is delivered", lambda: delivered(park))
        tags = {each.connector: each.id_tag for each in park.ledger().transactions()}
        assert tags == {1: "VID:02000000000A", 2: ADA, 3: "FLEET"}
        assert park.ledger().violations() == []
        assert park.end("node") == 0
        log = park.log("node")
        assert "Traceback" not in log
        assert "02000000000A" not in log

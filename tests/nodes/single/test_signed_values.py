"""A meter that signs, from its registers to the backend, over kill -9: every signature is genuine."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from support.ocmf import checked_wh, signed_of
from support.rig import Rig, bare_rig, eventually

from nodes.virtual.signing import Signer
from park.metering.maps.virtual_signing import VIRTUAL_SIGNING

ADA = "04A1B2C3"
METER = 'name = "cp1-meter"\nmap = "{}"'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[Rig]:
    with bare_rig(tmp_path) as made:
        text = made.config.path.read_text()
        signing = text.replace(METER.format("eastron-sdm630"), METER.format(VIRTUAL_SIGNING.name))
        assert signing != text
        made.config.path.write_text(signing)
        made.start_bench()
        made.start_backend()
        yield made


@pytest.mark.rule("B-394")
def test_begin_and_end_of_a_session_are_signed_whoever_dies_between_them(park: Rig) -> None:
    park.start_node()
    eventually("online", park.online)
    park.plug("cp1")
    eventually("the node sees the vehicle", lambda: park.pilot("cp1") not in {None, "A"})
    park.swipe(ADA)
    eventually("charging", lambda: park.charging("cp1") and park.evse("cp1").energy_wh > 5)
    park.kill("node")
    park.start_node()
    eventually("online again", park.online)
    park.unplug("cp1")
    eventually("all delivered", lambda: bool(park.ledger().transactions()[0].stops) and park.waiting() == 0)
    (transaction,) = park.ledger().transactions()
    stop = json.loads(json.dumps(park.ledger().newest(1)[0].payload))
    found = signed_of(stop)
    assert VIRTUAL_SIGNING.signing is not None
    key = Signer("cp1-meter", VIRTUAL_SIGNING.signing).key
    assert checked_wh(found["Transaction.Begin"], key) == transaction.meter_start
    assert checked_wh(found["Transaction.End"], key) == transaction.meter_stop
    assert park.ledger().violations() == []

"""A charge point taken out of the file with a session open: the backend gets the end of it, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.rig import eventually, rig

ADA = "04A1B2C3"


@pytest.mark.parametrize("crash", ["", "before-persist"])
def test_the_open_session_of_a_removed_charge_point_is_closed_once(tmp_path: Path, crash: str) -> None:
    with rig(tmp_path) as park:
        park.start_node()
        eventually("the node is online", park.online)
        park.plug("cp2", maximum_ma=16_000)
        eventually("the car is seen", lambda: park.pilot("cp2") == "B")
        park.swipe(ADA, "cp2-reader")
        eventually("some energy", lambda: park.evse("cp2").energy_wh > 5)
        eventually("nothing waits", lambda: park.waiting() == 0)
        park.kill("node")

        whole = park.config.path.read_text()
        park.config.path.write_text(whole[: whole.index('[[meter]]\nname = "cp2-meter"')])
        if crash:
            park.start_node(crash=crash)
            eventually("the node dies", park.died)
        park.start_node()
        eventually("its end is at the backend", lambda: any(each.stops for each in park.ledger().transactions()))
        eventually("nothing waits any more", lambda: park.online() and park.waiting() == 0)
        assert "no longer in the configuration" in park.log("node")

        said = park.log("node").count("code=session-closed")
        park.config.path.write_text(whole)  # and it comes back
        assert park.end("node") == 0
        park.start_node()
        eventually("the node is online", park.online)
        (transaction,) = park.ledger().transactions()
        assert (transaction.starts, transaction.stops, transaction.stop_reason) == (1, 1, "Other")
        assert transaction.meter_stop is not None
        assert transaction.meter_start <= transaction.meter_stop <= park.evse("cp2").energy_wh
        assert park.log("node").count("code=session-closed") == said
        assert park.ledger().strangers() == []

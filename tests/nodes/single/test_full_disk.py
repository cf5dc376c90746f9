"""A disk that takes nothing more: no fact is lost, no session begins that could not be kept, and it is said why."""

from __future__ import annotations

import resource
from pathlib import Path

from support.rig import Rig, eventually, rig

ADA, BOB = "04A1B2C3", "04D4E5F6"


HEADER, FRAME = 32, 24 + 4096  # bytes, https://sqlite.org/fileformat2.html#walformat


def fill(park: Rig) -> None:
    """From now on the database's log takes nothing more, and no file becomes longer than it: only for the node."""
    log = (park.directory / "data/chargepark.sqlite3-wal").read_bytes()
    used, salts = HEADER, log[16:24]  # the frames in use repeat those of the header
    while used < len(log) and log[used + 8 : used + 16] == salts:
        used += FRAME
    resource.prlimit(park.processes["node"].pid, resource.RLIMIT_FSIZE, (used, resource.RLIM_INFINITY))


def free(park: Rig) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(park.processes["node"].pid, resource.RLIMIT_FSIZE, unlimited)


def test_a_full_disk_keeps_what_happened_and_begins_nothing_new(tmp_path: Path) -> None:
    with rig(tmp_path) as park:
        park.start_node()
        eventually("the node is online", park.online)
        park.plug("cp2", maximum_ma=16_000)
        eventually("the car is seen", lambda: park.pilot("cp2") == "B")
        park.swipe(ADA, "cp2-reader")
        eventually("current flows", lambda: park.charging("cp2"))
        eventually("nothing waits", lambda: park.waiting() == 0)

        fill(park)
        park.plug("cp1", maximum_ma=16_000)
        eventually("the cable is locked", lambda: park.evse("cp1").levels.lock_closed)
        park.swipe(BOB, "cp1-reader")
        alarm = "session facts cannot be written: "
        eventually("it is said", lambda: alarm in park.log("node"))
        park.unplug("cp2")  # its end cannot be written either
        eventually("the technician is told", lambda: "JournalSilent" in park.log("node"))
        assert park.evse("cp1").levels.signalled_ma == 0
        assert park.log("node").count(alarm) == 1  # not once a second, onto that very disk
        assert "free the disk: no session starts until then" in park.log("node")

        free(park)
        eventually("the session begins", lambda: park.charging("cp1"))
        eventually("the other has ended", lambda: any(each.stops for each in park.ledger().transactions()))
        park.unplug("cp1")
        eventually("all is delivered", lambda: [each.stops for each in park.ledger().transactions()] == [1, 1])
        for transaction, point in zip(park.ledger().transactions(), ("cp2", "cp1"), strict=True):
            assert (transaction.starts, transaction.order_kept) == (1, True)
            assert abs((transaction.energy_wh or 0) - park.evse(point).energy_wh) <= 1
        assert park.end("node") == 0
        assert "Traceback" not in park.log("node")

"""What a node cannot reach: it runs on, says once what is missing and what to do, and takes it up when it comes."""

from __future__ import annotations

from pathlib import Path

from support.rig import Rig, bare_rig, eventually, rig

ADA, STRANGER = "04A1B2C3", "04FFFFFF"  # the first one is on the whitelist


def told(park: Rig, *words: str) -> list[str]:
    """Lines of the node's log that hold all of these words."""
    return [line for line in park.log("node").splitlines() if all(word in line for word in words)]


def clean(park: Rig) -> None:
    assert park.end("node") == 0
    assert "Traceback" not in park.log("node")


def test_a_node_that_is_alone_runs_on_and_takes_up_what_comes(tmp_path: Path) -> None:
    with bare_rig(tmp_path) as park:
        park.start_node()
        eventually("it answers", park.view)
        eventually("it misses the bench", lambda: len(told(park, "code=EvseLost")) == 2)
        view = park.view()
        assert view is not None
        assert {row.ocpp_status.value for row in view.charge_points if row.ocpp_status} == {"Faulted"}
        assert all("chargepark bench serve" in line for line in told(park, "code=EvseLost"))
        eventually("and the meters", lambda: len(told(park, "meter is not believed", "is the meter on")) == 3)
        eventually("and the backend", lambda: told(park, "state=offline", "check network and [backend] url"))
        assert view.backend is not None
        assert view.backend.state == "offline"

        park.start_bench()
        eventually("both charge points are there", lambda: len(told(park, "fault cleared", "code=EvseLost")) == 2)
        eventually("and every meter", lambda: len(told(park, "meter is read")) == 3)

        # The backend is still away: the whitelist decides, and nothing is lost.
        park.plug("cp2", maximum_ma=16_000)
        eventually("the car is seen", lambda: park.pilot("cp2") == "B")
        park.swipe(STRANGER, "cp2-reader")
        eventually("a stranger is refused", lambda: park.feedback("cp2-reader") == "REFUSED")
        park.swipe(ADA, "cp2-reader")
        eventually("current flows", lambda: park.charging("cp2"))
        eventually("some energy", lambda: park.evse("cp2").energy_wh > 5)
        park.unplug("cp2")
        eventually("the session waits", lambda: park.waiting() >= 2)
        park.start_backend()
        eventually("it is delivered", lambda: any(each.stops for each in park.ledger().transactions()))
        (transaction,) = park.ledger().transactions()
        assert (transaction.id_tag, transaction.starts, transaction.stops) == (ADA, 1, 1)
        assert abs((transaction.energy_wh or 0) - park.evse("cp2").energy_wh) <= 1
        assert park.ledger().violations() == []
        clean(park)
        assert len(told(park, "code=EvseLost", "event=fault")) == 2  # once each, however often it was tried
        assert len(told(park, "meter is not believed")) == 3


def test_a_bench_that_goes_away_and_comes_back_as_another(tmp_path: Path) -> None:
    with rig(tmp_path, mode="free", backend=False) as park:
        park.start_node()
        eventually("the node is online", park.online)
        park.plug("cp2", maximum_ma=16_000)
        eventually("current flows", lambda: park.charging("cp2"))
        park.kill("bench")
        eventually("it is missed", lambda: len(told(park, "code=EvseLost")) == 2)
        park.start_bench()  # nobody is plugged in there, and its meters begin at zero
        eventually("all is well again", lambda: park.online() and not faults(park))
        park.plug("cp1", maximum_ma=16_000)
        eventually("a car charges again", lambda: park.charging("cp1"))
        clean(park)


def faults(park: Rig) -> list[str]:
    view = park.view()
    assert view is not None
    return [fault.code for row in view.charge_points for fault in row.faults]

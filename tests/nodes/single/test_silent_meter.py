"""The house meter falls silent while two cars charge: its fallback holds the fuse, and all comes back with it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from support.park_views import garage
from support.rig import Rig, eventually, rig
from support.views import Views

from nodes.rpc import bench_pb2 as pb
from park.load.invariants import BOUND_SECONDS, Cause
from park.model.electric import PerPhase
from park.model.metering import Quality
from park.view import MeterRow, ParkView

LIMIT, HEADROOM, FALLBACK = 63_000, 1_000, 20_000  # as the rig's configuration has it
HOUSE, MORE = 5, 20  # A on each phase; the house takes as much as the fallback once nobody looks
STALE_SECONDS, INTERVAL_SECONDS = 5.0, 1.0
SETTLES_SECONDS = 60.0
SEEN_SECONDS = 1.0  # between something that happens in a node and the view that shows it, on a busy machine


def grid_meter(view: ParkView) -> MeterRow:
    return next(row for row in view.meters if row.name == "grid-meter")


def external(view: ParkView) -> PerPhase | None:
    a, b, c = (phase.external_ma for phase in view.circuits[0].phases)
    return None if a is None or b is None or c is None else (a, b, c)


def circuit(park: Rig) -> pb.CircuitTruth:
    truth = park.truth()
    assert truth is not None
    return truth.circuits[0]


def signalled(park: Rig) -> int:
    return sum(park.evse(name).levels.signalled_ma for name in ("cp1", "cp2"))


def now(park: Rig) -> ParkView:
    view = park.view()
    assert view is not None, park.log("node")
    return view


def test_a_silent_meter_means_the_fallback_and_the_fuse_holds(tmp_path: Path) -> None:
    with rig(tmp_path, mode="free", backend=False, window=3) as park:
        park.load("grid-meter", HOUSE)
        park.start_node()
        eventually("the node is online", park.online)
        views = Views(park.config.energy)
        park.plug("cp1")
        park.plug("cp2")
        full = LIMIT - HEADROOM - HOUSE * 1_000
        # A car that rises looks like foreign load in the average, which falls 5 to 10 s later: twice in the worst case.
        eventually("the cars share what is there", lambda: full - 2_000 <= signalled(park) <= full, SETTLES_SECONDS)

        park.meter("grid-meter", pb.METER_MODE_SILENT)
        park.load("grid-meter", MORE)
        eventually("it is not believed", lambda: grid_meter(now(park)).quality is Quality.STALE)
        eventually("the fallback is in force", lambda: external(now(park)) == (FALLBACK,) * 3)
        left = LIMIT - HEADROOM - FALLBACK
        eventually("the cars have less", lambda: left - 2_000 <= signalled(park) <= left)
        eventually("and take less", lambda: circuit(park).currents.l1_ma <= LIMIT)
        assert "bound_by='external_fallback'" in str(now(park).circuits)

        park.load("grid-meter", HOUSE)
        park.meter("grid-meter", pb.METER_MODE_LIVE)
        eventually("it is believed again", lambda: grid_meter(now(park)).quality is Quality.FRESH)
        eventually("the cars have all again", lambda: full - 2_000 <= signalled(park) <= full, SETTLES_SECONDS)
        fuse = circuit(park)
        assert park.end("node") == 0
        views.join()

    assert fuse.longest_above <= BOUND_SECONDS[Cause.METER_LOST]  # S3
    assert not fuse.HasField("tripped_at")
    assert list(views.overcommitted()) == []  # S1
    assert views.raises() >= 3
    stale = next(view for view in views.seen if grid_meter(view).quality is Quality.STALE)
    in_force = next(
        view for view in views.seen if view.now.wall >= stale.now.wall and external(view) == (FALLBACK,) * 3
    )
    taken = grid_meter(stale).taken
    assert taken is not None
    assert STALE_SECONDS <= stale.now.mono - taken <= STALE_SECONDS + SEEN_SECONDS
    assert (in_force.now.wall - stale.now.wall).total_seconds() <= INTERVAL_SECONDS + SEEN_SECONDS


def test_the_judge_of_these_views_knows_a_broken_promise() -> None:
    def shown(grant_ma: int, committed_ma: int, external_ma: int = 20_600) -> ParkView:
        view = garage()
        point, circuit = view.charge_points[0], view.circuits[0]
        assert point.grant is not None
        a, b, c = (replace(phase, committed_ma=committed_ma, external_ma=external_ma) for phase in circuit.phases)
        granted = replace(point, grant=replace(point.grant, amps_ma=grant_ma))
        return replace(view, charge_points=(granted,), circuits=(replace(circuit, phases=(a, b, c)),))

    too_much, enough = 41_401, 41_400
    low, high = shown(6_000, enough), shown(16_000, too_much)
    assert list(Views(None, low, shown(16_000, enough)).overcommitted()) == []
    assert len(list(Views(None, low, high).overcommitted())) == 3  # one a phase
    assert len(list(Views(None, low, shown(16_000, enough), high).overcommitted())) == 3  # reported a moment later
    assert list(Views(None, high, shown(6_000, too_much)).overcommitted()) == []  # no raise, nothing promised
    after = shown(16_000, too_much, external_ma=30_000)  # the house takes more since
    assert list(Views(None, low, shown(16_000, enough), after).overcommitted()) == []

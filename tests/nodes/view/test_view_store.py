import threading
from datetime import timedelta

import pytest
from msgspec.structs import replace

from actors.supervision import ChildFigures, Restarted
from nodes.view import ViewChanged, ViewStore
from park.charging.report import ChargePointReported
from park.config.parsing import parse
from park.exchange.server_link import LinkReported
from park.load.report import CircuitReported, EpochTaken, ShareReported
from park.load.rivalry import Standing, StandingReported, Voice
from park.model.access import ConnectorStatus
from park.model.evse import PilotState
from park.model.metering import MeterReported, Quality, Sample
from park.model.time import Now
from park.ocpp.effects import BackendReported
from park.view import BackendRow, NodeReported
from park.view.configured import as_configured
from tests.support.park_views import AT, FAULT, MONO, REASON, garage, nothing_known
from tests.support.probe import Probe

NOW = Now(MONO, AT)


RATED = """
[bench]
[node]
name = "garage-1"
role = "single"
data_dir = "var"
[park]
name = "garage"
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 25]
[[circuit]]
name = "row"
parent = "grid"
limit_amps = [50, 50, 50]
[[charge_point]]
name = "cp1"
connector = 1
circuit = "row"
phases = 2
driver = "virtual"
[[charge_point]]
name = "cp2"
connector = 2
circuit = "row"
driver = "virtual"
[[charge_point]]
name = "cp3"
connector = 3
circuit = "row"
outlet = "cable"
cable_amps = 20
driver = "virtual"
"""


def reported(name: str = "garage-1/cp1", signalled_ma: int = 6_000) -> ChargePointReported:
    return ChargePointReported(
        name=name,
        node="garage-1",
        connector=1,
        circuit="grid",
        state=PilotState.B,
        ocpp_status=ConnectorStatus.PREPARING,
        grant=None,
        signalled_ma=signalled_ma,
        measured_ma=None,
        fallback_ma=6_000,
        energy_wh=None,
        session=None,
        faults=(FAULT,),
        contactor_closed=False,
        lock_closed=None,
        cable_ma=None,
        plugged_since=None,
        charging_since=None,
        charging_seconds=0.0,
        refused_grant=None,
    )


def test_it_begins_as_configured():
    view = ViewStore("garage-1", nothing_known()).snapshot(NOW)

    assert view == replace(nothing_known(), now=NOW)


def test_a_charge_point_is_shown_as_it_last_reported():
    store = ViewStore("garage-1", nothing_known())
    store.tell(reported(signalled_ma=6_000))
    store.tell(reported(signalled_ma=16_000))
    (row,) = store.snapshot(NOW).charge_points

    assert (row.state, row.signalled_ma, row.faults, row.contactor_closed) == (PilotState.B, 16_000, (FAULT,), False)


def test_a_point_that_was_not_configured_is_added():
    store = ViewStore("garage-1", nothing_known())
    store.tell(reported("bay-b/cp9"))

    assert [row.name for row in store.snapshot(NOW).charge_points] == ["garage-1/cp1", "bay-b/cp9"]


def test_the_coordinators_share_stays_when_the_point_reports():
    share = ShareReported("garage-1/cp1", 8_000, 6_000, 16_000, False, (REASON,))
    store = ViewStore("garage-1", nothing_known())
    store.tell(share)
    store.tell(reported())

    assert store.snapshot(NOW).charge_points[0].share == share


@pytest.mark.rule("B-268")
def test_the_physical_limit_follows_the_cable_and_nothing_that_changes_by_itself():
    store = ViewStore("garage-1", as_configured(parse(RATED, "garage.toml"), NOW, "1.0"))

    def physical() -> list[int | None]:
        return [row.physical_ma for row in store.snapshot(NOW).charge_points]

    assert physical() == [32_000, 25_000, 20_000]
    store.tell(replace(reported(), cable_ma=20_000))
    assert physical() == [20_000, 25_000, 20_000]
    store.tell(replace(reported(), cable_ma=20_000, signalled_ma=0))
    store.tell(ShareReported("garage-1/cp1", 8_000, 6_000, 16_000, False, (REASON,)))
    assert physical() == [20_000, 25_000, 20_000]
    store.tell(reported())
    assert physical() == [32_000, 25_000, 20_000]


def test_a_circuit_keeps_its_meters_name():
    store = ViewStore("garage-1", garage())
    three = (1_000, 2_000, 3_000)
    store.tell(
        CircuitReported(
            "grid",
            None,
            three,
            three,
            three,
            three,
            None,
            ("fuse", "headroom", "operator"),
            Quality.STALE,
            ("a",),
            ("b",),
            True,
        )
    )
    (row,) = store.snapshot(NOW).circuits

    assert (row.meter, row.holding, row.unconfirmed, row.silent) == ("grid-meter", True, ("a",), ("b",))
    assert [phase.limit_ma for phase in row.phases] == [1_000, 2_000, 3_000]
    assert [phase.measured_ma for phase in row.phases] == [None, None, None]
    assert [phase.bound_by for phase in row.phases] == ["fuse", "headroom", "operator"]


def test_a_meter_that_falls_silent_keeps_its_last_values():
    store = ViewStore("garage-1", nothing_known())
    sample = Sample((1_000, 2_000, 3_000), 690, 5_000)
    store.tell(MeterReported("grid-meter", Quality.FRESH, sample, 10.0, 0, None))
    store.tell(MeterReported("grid-meter", Quality.STALE, None, 10.0, 3, "no answer"))
    (row,) = store.snapshot(NOW).meters

    assert (row.quality, row.taken, row.currents_ma, row.power_w, row.energy_wh, row.failures, row.problem) == (
        Quality.STALE,
        10.0,
        (1_000, 2_000, 3_000),
        690,
        5_000,
        3,
        "no answer",
    )


def test_backend_node_and_epoch_are_taken():
    store = ViewStore("garage-1", nothing_known())
    store.tell(BackendReported("offline", "no answer", 7, AT - timedelta(hours=1), 1, 4, 5))
    store.tell(NodeReported("garage-1", "single", "alive", 1.0, "0.1.0", 2))
    store.tell(EpochTaken(9))
    view = store.snapshot(NOW)

    assert view.backend == BackendRow("offline", "no answer", 7, AT - timedelta(hours=1), 1, 4, 5)
    assert view.nodes == (NodeReported("garage-1", "single", "alive", 1.0, "0.1.0", 2),)
    assert view.epoch == 9


def test_figures_of_actors_are_read_when_somebody_looks():
    figures = [ChildFigures("journal", "running", 1, 100, 2, 3, 4)]
    store = ViewStore("garage-1", nothing_known(), lambda: figures)
    (row,) = store.snapshot(NOW).actors

    assert (row.name, row.node, row.state, row.restarts, row.dropped, row.quarantined, row.mailbox) == (
        "journal",
        "garage-1",
        "running",
        1,
        2,
        3,
        4,
    )


def test_listeners_hear_of_every_kind_of_report_until_they_leave():
    store, probe = ViewStore("garage-1", nothing_known()), Probe[ViewChanged]()
    with store.told(probe):
        store.tell(reported())
        store.tell(Restarted("journal", 1))
    store.tell(reported())

    assert probe.messages == [ViewChanged(), ViewChanged()]


def test_one_that_leaves_does_not_take_the_others_along():
    store, stays, leaves = ViewStore("garage-1", nothing_known()), Probe[ViewChanged](), Probe[ViewChanged]()
    with store.told(stays):
        with store.told(leaves):
            pass
        store.tell(reported())

    assert (len(stays.messages), len(leaves.messages)) == (1, 0)


def test_a_listener_may_look_while_it_is_told():
    store = ViewStore("garage-1", nothing_known())
    seen: list[int | None] = []

    class Looks:
        def tell(self, _: ViewChanged, /) -> None:
            seen.append(store.snapshot(NOW).charge_points[0].signalled_ma)

    with store.told(Looks()):
        store.tell(reported(signalled_ma=10_000))

    assert seen == [10_000]


def test_many_threads_may_tell_while_others_look():
    store, rounds = ViewStore("garage-1", nothing_known()), 300

    def tell(point: int) -> None:
        for current in range(rounds):
            store.tell(reported(f"garage-1/p{point}", current))

    threads = [threading.Thread(target=tell, args=(point,)) for point in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        names = [row.name for row in store.snapshot(NOW).charge_points]
        assert len(names) == len(set(names))
    for thread in threads:
        thread.join()

    newest = {row.name: row.signalled_ma for row in store.snapshot(NOW).charge_points if row.signalled_ma is not None}
    assert newest == {f"garage-1/p{point}": rounds - 1 for point in range(4)}


# ------------------------------------------------------------ who leads


def test_a_server_that_stands_down_says_so_and_who_leads():
    store = ViewStore("garage-1", nothing_known())
    store.tell(StandingReported(Standing.DOWN, Voice(3, "S.1"), "attic at 192.0.2.7:7070 leads it", suspects=True))
    (row,) = store.snapshot(NOW).nodes
    assert (row.standing, row.why) == ("stands down", "attic at 192.0.2.7:7070 leads it")
    store.tell(StandingReported(Standing.LEADS, Voice(4, "S.1"), ""))
    (row,) = store.snapshot(NOW).nodes
    assert (row.standing, row.why) == ("leads", None)


def test_a_client_shows_its_server_and_why_it_hears_none():
    store = ViewStore("garage-1", nothing_known())
    store.tell(LinkReported("down", "", "", "not connected yet"))
    (own,) = store.snapshot(NOW).nodes
    assert own.why == "not connected yet"
    store.tell(LinkReported("up", "attic", "S.1", ""))
    own, server = store.snapshot(NOW).nodes
    assert own.why is None
    assert (server.name, server.role, server.state) == ("attic", "server", "alive")
    store.tell(LinkReported("refused", "attic", "", "this board was revoked"))
    own, server = store.snapshot(NOW).nodes
    assert (own.why, server.state) == ("this board was revoked", "gone")


GROUPED = """
[node]
name = "hall"
role = "server"
data_dir = "var"
[park]
name = "hall"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[[group]]
name = "deck/feed"
circuit = "grid"
max_amps = [40, 40, 32]
fallback_amps = [13, 13, 13]
"""


@pytest.mark.rule("B-084")
def test_a_group_is_a_circuit_whose_budget_is_what_is_available():
    view = ViewStore("hall", as_configured(parse(GROUPED, "hall.toml"), NOW, "1"))
    view.tell(ShareReported("deck/feed.L3", 20_000, 16_000, 18_000, confirmed=False, reason=(REASON,)))
    grid, group = view.snapshot(NOW).circuits
    assert grid.name == "grid"
    assert (group.name, group.parent, group.phases[0].limit_ma) == ("deck/feed", "grid", 40_000)
    assert group.phases[0].available_ma is None, "nothing was told of it yet"
    third = group.phases[2]
    assert (third.limit_ma, third.available_ma, third.committed_ma, third.bound_by) == (
        32_000,
        16_000,
        18_000,
        REASON.limit,
    )

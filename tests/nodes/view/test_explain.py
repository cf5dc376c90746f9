"""Why every charge point of a park with four levels has its current: the limit, whose it is, and the way."""

from __future__ import annotations

from typing import Any

import pytest

from nodes.energy.decoding import decode
from nodes.energy.encoding import encode
from nodes.view import ViewStore
from park.load.circuit import Circuit, Placement
from park.load.reporting import reports
from park.model.limit import Limit, LimitKind, SetLimit
from park.model.time import Now
from park.view import ChargePointRow, CircuitRow, ParkView
from park.view.explain import explain
from tests.park.load.boards import WALL, Boards, Vehicle, each

LEVELS = {"grid": None, "house": "grid", "floor": "house", "row": "floor", "lift": "house"}
PLACES = (
    "row/fuse1",
    "row/fuse2",
    "floor/managed",
    "lift/operated",
    "lift/small",
    "house/idle",
    "lift/own",
    "grid/paused",
)


def scenario() -> Boards:
    """Eight charge points, each held back by something else."""
    circuits = [
        Circuit("grid", each(250_000)),
        Circuit("house", each(200_000), "grid"),
        Circuit("floor", each(60_000), "house"),
        Circuit("row", each(16_000), "floor"),
        Circuit("lift", each(100_000), "house"),
    ]
    placements = [Placement(f"n/{name.replace('/', '-')}", "n", name.partition("/")[0]) for name in PLACES]
    boards = Boards(circuits, placements).run(12)
    for name in boards.devices:
        if name != "n/house-idle":
            boards.arrive(name, Vehicle(maximum_ma=13_000) if name == "n/lift-own" else Vehicle())
    for limit in (
        Limit("floor", LimitKind.ENERGY_MANAGER, "hems", each(30_000)),
        Limit("n/lift-operated", LimitKind.OPERATOR, "operator", each(12_000)),
        Limit("n/lift-small", LimitKind.PROFILE, "profile 7", each(16_000)),
        Limit("n/grid-paused", LimitKind.ENERGY_MANAGER, "hems", each(0)),
    ):
        boards.tell(SetLimit("", limit, 600.0))
    return boards.run(30)


def shown(boards: Boards) -> ParkView:
    rows = tuple(ChargePointRow(f"n/{name.replace('/', '-')}", "n", circuit=name.partition("/")[0]) for name in PLACES)
    circuits = tuple(map(CircuitRow, LEVELS, LEVELS.values()))
    configured = ParkView("p", boards.clock(), circuits=circuits, charge_points=rows)
    store = ViewStore("n", configured)
    boards.state.shares_reported.clear()
    boards.state.limits_reported = None
    for circuit in boards.state.circuits:
        circuit.reported = None
    for report in reports(boards.state, boards.now):
        store.tell(report)
    return store.snapshot(Now(boards.now, WALL))


@pytest.fixture(scope="module")
def view() -> ParkView:
    return shown(scenario())


@pytest.mark.parametrize(
    ("point", "binding", "path"),
    [
        ("row-fuse1", ("fuse", "circuit row", "row"), ["row", "floor", "house", "grid"]),
        ("row-fuse2", ("fuse", "circuit row", "row"), ["row", "floor", "house", "grid"]),
        ("floor-managed", ("energy_manager", "hems", "floor"), ["floor", "house", "grid"]),
        ("lift-operated", ("operator", "operator", None), ["lift", "house", "grid"]),
        ("lift-small", ("profile", "profile 7", None), ["lift", "house", "grid"]),
        ("lift-own", ("own_maximum", "vehicle, cable or station", None), ["lift", "house", "grid"]),
        ("house-idle", ("lapse", "nobody wants current", None), ["house", "grid"]),
        ("grid-paused", ("energy_manager", "hems", None), ["grid"]),
    ],
)
def test_the_binding_limit_its_source_and_the_path_are_named(
    view: ParkView, point: str, binding: tuple[str, str, str | None], path: list[str]
):
    explained = explain(view, point)
    assert explained is not None
    reason = explained.reason[0]
    assert (reason.limit, reason.source, reason.circuit) == binding
    assert list(explained.path) == path
    assert f"path     {' → '.join(path)}" in explained.text


def test_the_words_are_the_same_from_the_wire_and_in_the_node(view: ParkView):
    there = decode(encode(view))
    for row in view.charge_points:
        here, told = explain(view, row.name), explain(there, row.name)
        assert here is not None
        assert told is not None
        assert told.text == here.text


def test_a_whole_explanation(view: ParkView):
    explained = explain(view, "n/row-fuse1")
    assert explained is not None
    assert explained.text.splitlines() == [
        "n/row-fuse1: granted 8.0 A, planned 8.0 A, signalled –",
        "  binding  the fuse on row L1, 16.0 A available",
        "           its share among those who charge on row L1 (2 charging)",
        "  path     row → floor → house → grid",
        "    row            limit 16.0 A, for charging 16.0 A, by the fuse",
        "    floor          limit 30.0 A, for charging 30.0 A, by a limit set by an energy manager",
        "    house          limit 200.0 A, for charging 200.0 A, by the fuse",
        "    grid           limit 250.0 A, for charging 250.0 A, by the fuse",
        "  limit    floor: 30.0 A by hems (a limit set by an energy manager), 570 s left",
    ]


def test_a_pause_says_what_is_missing(view: ParkView):
    explained = explain(view, "grid-paused")
    assert explained is not None
    assert explained.text.splitlines()[1:3] == [
        "  binding  a limit set by an energy manager (hems), 0.0 A available",
        "           the smallest current it can use (less than 6 A is a pause)",
    ]


@pytest.mark.parametrize("name", ["", "n", "n/", "nobody", "n/nobody", "row"])
def test_an_unknown_name_is_not_explained(view: ParkView, name: str):
    assert explain(view, name) is None


def test_a_name_that_several_nodes_have_is_not_explained_by_its_last_part():
    rows: Any = (ChargePointRow("a/cp1", "a"), ChargePointRow("b/cp1", "b"))
    view = ParkView("p", Now(0.0, WALL), charge_points=rows)
    assert explain(view, "cp1") is None
    explained = explain(view, "b/cp1")
    assert explained is not None
    assert explained.text.splitlines() == [
        "b/cp1: granted –, planned –, signalled –",
        "  binding  not known yet: no plan was made since the node started",
        "  path     –",
    ]

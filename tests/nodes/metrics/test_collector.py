import re

import pytest
from hypothesis import given
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from nodes.metrics.collector import ParkCollector
from nodes.metrics.families import families
from park.model.evse import PilotState
from park.view import ActorRow, ParkView
from tests.support.park_views import FAULT, charging_point, garage, nothing_known, views

FAMILIES = families("0.1.0", "3.11.7")


def text(view: ParkView) -> str:
    return ParkCollector(FAMILIES, lambda: view).text()


def figures(view: ParkView) -> dict[str, float]:
    """Sample lines as {line without its figure: figure}."""
    lines = [line for line in text(view).splitlines() if not line.startswith("#")]
    return {name: float(figure) for name, _, figure in (line.rpartition(" ") for line in lines)}


def names(view: ParkView) -> set[str]:
    return {line.split()[2] for line in text(view).splitlines() if line.startswith("# TYPE")}


@given(view=views)
def test_our_writer_writes_what_the_library_would(view: ParkView):
    registry = CollectorRegistry()
    registry.register(ParkCollector(FAMILIES, lambda: view))

    assert text(view) == generate_latest(registry).decode()


def test_a_second_scrape_shows_the_new_figures():
    shown = [garage()]
    collector = ParkCollector(FAMILIES, lambda: shown[-1])
    first = collector.text()
    shown.append(replace(garage(), epoch=4))
    second = collector.text()

    assert "chargepark_park_epoch 3.0" in first
    assert "chargepark_park_epoch 4.0" in second


def test_every_promised_family_is_there():
    view = replace(garage(), charge_points=(replace(charging_point(1), faults=(FAULT,)),))

    assert names(view) == {family.sample_name for family in FAMILIES}


def test_unknown_figures_are_left_out():
    assert names(nothing_known()) == {
        "chargepark_build_info",
        "chargepark_park_info",
        "chargepark_node_up",
        "chargepark_charge_point_info",
        "chargepark_meter_quality",
        "chargepark_backend_connected",
        "chargepark_backend_state",
    }


def test_currents_are_amperes_per_phase():
    shown = figures(garage())
    point = 'charge_point="garage-1/cp1",connector="1",node="garage-1"'

    assert shown[f'chargepark_charge_point_granted_amperes{{{point},phase="L1"}}'] == 25.4
    assert shown[f'chargepark_charge_point_signalled_amperes{{{point},phase="L3"}}'] == 25.4
    assert shown[f'chargepark_charge_point_measured_amperes{{{point},phase="L3"}}'] == 25.1
    assert shown['chargepark_circuit_available_amperes{circuit="grid",phase="L2"}'] == 41.4
    assert shown['chargepark_circuit_bound{circuit="grid",phase="L2",source="external_load"}'] == 1
    assert shown['chargepark_meter_amperes{node="garage-1",phase="L1",source="grid-meter"}'] == 61.6


def test_a_grant_on_one_phase_is_zero_on_the_others_the_point_has():
    point = charging_point(1)
    assert point.grant is not None
    row = replace(point, phases=(1, 2), grant=replace(point.grant, phases=(2,)))
    shown = figures(replace(garage(), charge_points=(row,)))
    granted = {name: figure for name, figure in shown.items() if "granted" in name}

    assert sorted(granted.values()) == [0.0, 25.4]


def test_exactly_one_state_is_on():
    shown = figures(garage())
    states = {name: figure for name, figure in shown.items() if "charge_point_state" in name}

    assert len(states) == len(PilotState)
    assert [name for name, figure in states.items() if figure] == [
        'chargepark_charge_point_state{charge_point="garage-1/cp1",connector="1",node="garage-1",state="C"}'
    ]


def test_figures_have_base_units_and_counters_end_in_total():
    for family in text_string_to_metric_families(text(garage())):
        assert family.name.startswith("chargepark_")
        assert not re.search(r"_(ma|mv|wh|kwh|ms|minutes|percent)(_|$)", family.name)


def test_the_memory_for_label_texts_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nodes.metrics.collector.REMEMBERED", 3)
    numbers = iter(range(100))

    def snapshot() -> ParkView:
        return replace(garage(), actors=(ActorRow(f"actor-{next(numbers)}", "n", "running", 0, 0, 0, 0),))

    collector = ParkCollector(FAMILIES, snapshot)
    for _ in range(20):
        collector.text()

    assert max(len(beginnings) for beginnings in collector._beginnings) <= 6  # phases and states of one point


@pytest.mark.parametrize("label", ["node", "charge_point", "connector", "circuit", "phase", "source"])
def test_the_published_labels_are_used(label: str):
    assert any(label in family.labels for family in FAMILIES)


def test_labels_have_no_room_for_id_tags():
    allowed = {
        "node",
        "charge_point",
        "connector",
        "circuit",
        "phase",
        "source",
        "state",
        "actor",
        "park",
        "version",
        "python",
    }

    assert {label for family in FAMILIES for label in family.labels} <= allowed

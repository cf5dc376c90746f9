import math

import pytest

from park.config.parsing import parse
from park.model.time import Now
from park.view import ParkView
from park.view.configured import as_configured
from tests.support.park_views import AT, shown_as_json

SINGLE = """
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
limit_amps = [63, 50, 40]
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:5020"
[[charge_point]]
name = "cp2"
connector = 2
circuit = "grid"
wiring = "STR"
phases = 1
fallback_amps = 6.5
min_amps = 6
driver = "virtual"
[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
driver = "virtual"
"""


@pytest.fixture
def view() -> ParkView:
    return as_configured(parse(SINGLE, "garage.toml"), Now(7.0, AT), "0.1.0", restarts=4)


def test_all_that_is_configured_is_there_before_anything_is_heard(view: ParkView):
    shown = shown_as_json(view)

    assert shown["park"] == "garage"
    assert [point["name"] for point in shown["charge_points"]] == ["garage-1/cp2", "garage-1/cp1"]
    assert [point["connector"] for point in shown["charge_points"]] == [2, 1]
    assert [point["fallback_amps"] for point in shown["charge_points"]] == [6.5, 0.0]
    assert {point["state"] for point in shown["charge_points"]} == {None}
    (circuit,) = shown["circuits"]
    assert [phase["limit_amps"] for phase in circuit["phases"].values()] == [63.0, 50.0, 40.0]
    assert (circuit["meter"], circuit["parent"]) == ("grid-meter", None)
    assert shown["meters"] == [
        {
            "name": "grid-meter",
            "quality": "stale",
            "age_seconds": None,
            "amps": None,
            "power_watts": None,
            "energy_wh": None,
            "failures": None,
            "problem": None,
        }
    ]
    assert shown["backend"]["state"] == "disabled"


def test_the_wiring_says_which_grid_phases_a_point_may_load(view: ParkView):
    assert [point.phases for point in view.charge_points] == [(2,), (1, 2, 3)]


def test_a_node_has_always_just_seen_itself(view: ParkView):
    assert view.nodes[0].last_seen == math.inf
    assert shown_as_json(view)["nodes"] == [
        {
            "name": "garage-1",
            "role": "single",
            "state": "alive",
            "last_seen_seconds": 0.0,
            "version": "0.1.0",
            "restarts": 4,
            "lag_seconds": None,
            "standing": None,
            "why": None,
        }
    ]

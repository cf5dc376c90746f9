import json
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import fields, replace

from park.charging.report import ReportedSession
from park.model.metering import Quality
from park.view import ChargePointRow, MeterRow, ParkView
from tests.support.park_views import AT, FAULT, MONO, charging_point, garage, nothing_known, shown_as_json, views

GOLDEN = json.loads((Path(__file__).parents[2] / "fixtures/status.json").read_text())


def without_additions(shown: Any, golden: Any) -> Any:  # noqa: ANN401 - JSON
    """What schema 1 promised at first, out of what is shown now: later keys are left out."""
    if isinstance(golden, dict):
        return {key: without_additions(shown[key], golden[key]) for key in shown if key in golden}
    if isinstance(golden, list) and len(golden) == len(shown):
        return [without_additions(one, other) for one, other in zip(shown, golden, strict=True)]
    return shown


def test_a_charging_garage_is_the_published_example_to_the_letter():
    shown = without_additions(shown_as_json(garage()), GOLDEN)

    assert json.dumps(shown, indent=1) == json.dumps(GOLDEN, indent=1)  # the order of keys, too


def test_unknown_is_null_and_never_zero():
    shown = shown_as_json(nothing_known())

    assert shown["epoch"] is None
    (node,) = shown["nodes"]
    assert (node["last_seen_seconds"], node["version"], node["restarts"]) == (None, None, None)
    (circuit,) = shown["circuits"]
    assert set(circuit["phases"]) == {"L1", "L2", "L3"}
    assert {value for phase in circuit["phases"].values() for value in phase.values()} == {None}
    (point,) = shown["charge_points"]
    assert {key for key, value in point.items() if value is not None} == {"name", "faults"}
    assert point["faults"] == []
    assert shown["meters"][0]["age_seconds"] is None
    assert shown["backend"]["queue_depth"] is None


def test_no_backend_row_is_null():
    assert shown_as_json(replace(garage(), backend=None))["backend"] is None


def test_a_fault_is_shown_with_its_remedy():
    view = replace(garage(), charge_points=(replace(charging_point(1), faults=(FAULT,)),))

    assert shown_as_json(view)["charge_points"][0]["faults"] == [
        {
            "code": "EvseLost",
            "since": "2026-11-20T21:59:00Z",
            "cause": "no link to the electronics",
            "remedy": "check power and cabling",
        }
    ]


def test_times_are_utc_whatever_the_zone_they_came_in():
    session = ReportedSession("01J", None, AT.astimezone(timezone(timedelta(hours=5))), None, "free")
    view = replace(garage(), charge_points=(replace(charging_point(1), session=session),))

    assert shown_as_json(view)["charge_points"][0]["session"]["started_at"] == "2026-11-20T22:00:00Z"


def test_ages_count_from_the_moment_of_the_view_and_are_never_negative():
    later = replace(
        garage(), now=replace(garage().now, mono=MONO + 10.0), meters=(MeterRow("m", "n", taken=MONO + 20.0),)
    )
    shown = shown_as_json(later)

    assert shown["nodes"][0]["last_seen_seconds"] == 10.0
    assert shown["charge_points"][0]["grant"]["left_seconds"] == 0.0  # lapsed
    assert shown["meters"][0]["age_seconds"] == 0.0


@pytest.mark.parametrize(
    ("current_ma", "amps"), [(0, 0.0), (149, 0.1), (6_000, 6.0), (-100, -0.1), (2**31 - 1, 2147483.6)]
)
def test_amperes_have_one_decimal(current_ma: int, amps: float):
    view = replace(garage(), charge_points=(ChargePointRow("n/c", "n", signalled_ma=current_ma),))

    assert shown_as_json(view)["charge_points"][0]["signalled_amps"] == amps


def test_a_stale_meter_keeps_its_last_values_and_says_so():
    row = replace(garage().meters[0], quality=Quality.STALE, taken=MONO - 7.0)
    (shown,) = shown_as_json(replace(garage(), meters=(row,)))["meters"]

    assert (shown["quality"], shown["age_seconds"], shown["amps"]) == ("stale", 7.0, [61.6, 61.6, 61.6])


def test_rows_have_no_place_for_an_id_tag():
    names = {each.name for row in (ChargePointRow, ReportedSession) for each in fields(row)}

    assert not {name for name in names if "tag" in name}


@given(view=views)
def test_every_view_can_be_written_as_json(view: ParkView):
    assert shown_as_json(view)["schema"] == 1

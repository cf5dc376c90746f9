"""The tables of `chargepark status` on narrow terminals: titles and figures stay whole."""

import pytest
from msgspec.structs import replace
from rich.console import Console
from support.park_views import garage

from nodes.cli.tables import page
from park.model.access import ConnectorStatus
from park.view import ParkView


def shown(view: ParkView, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(page(view))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_title_and_no_figure_is_cut(width: int):
    longest = replace(garage().charge_points[0], ocpp_status=ConnectorStatus.SUSPENDED_EVSE)
    lines = shown(replace(garage(), charge_points=(longest,)), width)
    titles = "circuit   limit  others  available  committed  measured  bound by"
    (figures,) = [line for line in lines if "SuspendedEVSE" in line]

    assert any(line.startswith(titles) for line in lines)
    assert figures.split()[:6] == ["garage-1/cp1", "1", "C", "SuspendedEVSE", "25.4", "A"]
    assert figures.endswith("25.2 25.2 25.1 A")
    assert max(map(len, lines)) <= width


def test_a_long_name_wraps_before_any_figure_does():
    status = ConnectorStatus.SUSPENDED_EVSE
    longest = replace(garage().charge_points[0], name="garage-of-the-north/cp12", ocpp_status=status)
    lines = shown(replace(garage(), charge_points=(longest,)), 80)

    assert any(line.endswith("C      SuspendedEVSE   25.4 A     25.4 A   25.2 25.2 25.1 A") for line in lines)


def test_a_point_without_session_has_no_reason():
    text = "\n".join(shown(replace(garage(), charge_points=(replace(garage().charge_points[0], session=None),)), 140))

    assert "why this current" not in text


def test_a_server_that_stands_down_is_shown_with_what_to_do():
    why = "attic at 192.0.2.7:7070 is another server of this park and leads it: switch one of the two off"
    view = replace(garage(), nodes=(replace(garage().nodes[0], role="server", standing="stands down", why=why),))
    lines = shown(view, 140)
    assert any("alive, stands down" in line for line in lines)
    assert f"garage-1: {why}" in lines

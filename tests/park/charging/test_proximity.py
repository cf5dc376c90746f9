"""The resistor in the plug and what it says about the cable."""

from __future__ import annotations

import math

import pytest

from park.charging.proximity import ProximityFault, cable_rating


@pytest.mark.parametrize(
    ("ohms", "rating_ma"),
    [
        (1_500.0, 13_000),
        (1_000.0, 13_000),
        (2_700.0, 13_000),
        (680.0, 20_000),
        (330.0, 20_000),
        (999.9, 20_000),
        (220.0, 32_000),
        (150.0, 32_000),
        (329.9, 32_000),
        (100.0, 63_000),
        (50.0, 63_000),
        (149.9, 63_000),
    ],
)
def test_each_window_has_its_rating(ohms: float, rating_ma: int) -> None:
    assert cable_rating(ohms, phases=3) == rating_ma


def test_a_single_phase_cable_of_the_largest_code_carries_70_a() -> None:
    assert cable_rating(100.0, phases=1) == 70_000


@pytest.mark.rule("B-247")
@pytest.mark.parametrize("ohms", [None, 4_501.0, math.inf])
def test_an_open_circuit_is_no_cable(ohms: float | None) -> None:
    assert cable_rating(ohms, phases=3) is ProximityFault.MISSING


@pytest.mark.rule("B-247")
@pytest.mark.parametrize("ohms", [0.0, 49.9, 2_700.1, 4_500.0, -5.0, math.nan])
def test_values_between_the_windows_are_invalid(ohms: float) -> None:
    assert cable_rating(ohms, phases=3) is ProximityFault.INVALID

"""Fuses: the trip times of the thermal model, and what they record."""

from __future__ import annotations

import pytest

from park.physics.fuse import Fuse


@pytest.mark.parametrize(("ratio", "seconds"), [(1.2, 131), (1.3, 85), (1.45, 56), (2.0, 23), (2.55, 13), (3.0, 9)])
def test_times_to_trip_from_cold(ratio: float, seconds: int):
    fuse = Fuse((63_000, 63_000, 63_000))
    for tick in range(400):
        fuse.carry((0, round(63_000 * ratio), 0), 1.0, tick + 1.0)
    tripped = fuse.record().tripped_at
    assert tripped is not None
    assert tripped == pytest.approx(seconds, abs=1.5)


def test_at_the_non_tripping_current_it_holds_for_ever():
    fuse = Fuse((100_000, 100_000, 100_000))
    fuse.carry((112_900, 0, 0), 1e6, 1e6)
    record = fuse.record()
    assert record.tripped_at is None
    assert record.peak_ratio == pytest.approx(1.129)
    assert (record.seconds_above, record.longest_above) == (1e6, 1e6)


def test_the_result_does_not_depend_on_the_step():
    fine, coarse = Fuse((16_000, 16_000, 16_000)), Fuse((16_000, 16_000, 16_000))
    for seconds in [0.1] * 500 + [0.7, 9.3] * 5:
        fine.carry((20_000, -20_000, 1_000), seconds, 0.0)
    coarse.carry((20_000, -20_000, 1_000), 100.0, 100.0)
    assert fine.record().peak_heat == pytest.approx(coarse.record().peak_heat)


def test_times_above_are_of_the_worst_phase_and_the_longest_run():
    fuse = Fuse((10_000, 20_000, 20_000))
    for current_ma, seconds in [(11_000, 3.0), (10_000, 5.0), (12_000, 2.0), (12_500, 2.5), (0, 1.0)]:
        fuse.carry((current_ma, current_ma, 0), seconds, 0.0)
    record = fuse.record()
    assert (record.peak_ratio, record.seconds_above, record.longest_above) == (1.25, 7.5, 4.5)

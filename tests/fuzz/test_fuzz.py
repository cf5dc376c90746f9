"""A bounded part of the fuzzing; `make fuzz` runs as long as it is told. The mutations reach what they are for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz.target import Target

FRAMES = 8_000
SEEDS = (1, 2, 3)
MET = (
    "FormationViolation",
    "NotImplemented",
    "PropertyConstraintViolation",
    "ProtocolError",
    "TypeConstraintViolation",
)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_frame_of_a_backend_is_more_than_the_station_can_bear(
    seed: int, record_property: Callable[[str, object], None]
):
    target = Target(seed)
    target.run(FRAMES)
    assert target.counts["frames"] == FRAMES
    assert all(target.counts[code] for code in MET)
    assert all(
        target.counts[kind] > FRAMES / 200 for kind in ("BackendCalled", "CallAnswered", "CallFailed", "Garbage")
    )
    record_property("figure", f"fuzz: seed {seed}, {FRAMES} frames, none uncaught")

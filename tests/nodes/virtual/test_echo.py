"""S2 over a wire: whatever waits wherever, a signal ends at its deadline or before, on a clock that is not ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.drivers.echo import Echo
from nodes.rpc import bench_pb2 as pb
from park.model.evse import PilotOutput, Signal

seconds = st.floats(0.0, 1e4)


def signal(valid_for: float, until: float) -> Signal:
    return Signal("cp1", PilotOutput.PWM, 16_000, (1, 2, 3), valid_for, 6_000, 1, until)


@given(
    offset=st.floats(-1e6, 1e6),
    up=seconds,
    pause=seconds,
    made=seconds,
    waited=seconds,
    valid_for=st.floats(0.0, 600.0),
)
def test_no_delay_moves_the_deadline_back(
    offset: float, up: float, pause: float, made: float, waited: float, valid_for: float
) -> None:
    echo = Echo()
    stamped, heard = 0.0, up
    echo.hear(pb.BenchToDriver(stamp=stamped + offset), heard)
    given_at = heard + pause - made
    sent_at = given_at + max(waited, made)
    until = given_at + valid_for
    assert echo.stamp is not None
    ends = echo.stamp - offset + echo.valid_for(signal(valid_for, until), sent_at)  # on our clock
    assert ends <= max(until, heard - up) + 1e-6
    if up == 0.0 and until >= heard:
        assert ends == pytest.approx(until)


def test_without_a_stamp_the_rest_counts_from_now() -> None:
    echo = Echo()
    echo.hear(pb.BenchToDriver(), 5.0)
    assert echo.stamp is None
    assert echo.valid_for(signal(10.0, 20.0), 13.0) == 7.0
    assert echo.valid_for(signal(10.0, 20.0), 21.0) == 0.0

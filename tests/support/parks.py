"""Simulated parks for tests: small ones, so that many seeds fit into a minute."""

from __future__ import annotations

from nodes.simulation.park_outcome import ParkOutcome
from nodes.simulation.parks import Bounds

SMALL = Bounds(boards=(2, 4), points=(1, 4))


def broken(outcome: ParkOutcome) -> set[str]:
    """The invariants that were broken; a crash is none of them."""
    assert not outcome.crashes
    return {violation.invariant for violation in outcome.violations}

"""Metrics of circuits: each conductor's limit and what fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nodes.metrics.family import Sample, Samples, gauge
from park.model.electric import PHASE_NAMES
from park.view import CircuitPhase, ParkView

CONDUCTOR = ("circuit", "phase")


def _each(current_ma: Callable[[CircuitPhase], int | None]) -> Samples:
    def samples(view: ParkView) -> Iterator[Sample]:
        for row in view.circuits:
            for name, phase in zip(PHASE_NAMES, row.phases, strict=True):
                current = current_ma(phase)
                if current is not None:
                    yield (row.name, name), current / 1000

    return samples


def _bounds(view: ParkView) -> Iterator[Sample]:
    for row in view.circuits:
        for name, phase in zip(PHASE_NAMES, row.phases, strict=True):
            if phase.bound_by is not None:
                yield (row.name, name, phase.bound_by), 1


CIRCUITS = (
    gauge("circuit_limit_amperes", "Limit of the conductor.", CONDUCTOR, _each(lambda phase: phase.limit_ma)),
    gauge("circuit_available_amperes", "What charging may take.", CONDUCTOR, _each(lambda phase: phase.available_ma)),
    gauge(
        "circuit_committed_amperes",
        "What charge points may be drawing at most.",
        CONDUCTOR,
        _each(lambda phase: phase.committed_ma),
    ),
    gauge(
        "circuit_external_amperes",
        "What flows to others than charge points.",
        CONDUCTOR,
        _each(lambda phase: phase.external_ma),
    ),
    gauge(
        "circuit_measured_amperes",
        "What the circuit's meter reads; negative is export.",
        CONDUCTOR,
        _each(lambda phase: phase.measured_ma),
    ),
    gauge("circuit_bound", "1 for what leaves no more available; source names it.", (*CONDUCTOR, "source"), _bounds),
)

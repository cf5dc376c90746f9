"""Metrics of the park as a whole and of its nodes."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.metrics.family import Family, Sample, counter, gauge
from park.view import ParkView

NODE = ("node",)


def park(version: str, python: str) -> tuple[Family, ...]:
    """What runs here, and for which park."""
    build: list[Sample] = [((version, python), 1)]
    return (
        gauge("build_info", "Always 1; the versions that run.", ("version", "python"), lambda _: build),
        gauge("park_info", "Always 1; the name of the park.", ("park",), lambda view: [((view.park,), 1)]),
        gauge("park_epoch", "Epoch of the server in charge.", (), _epoch),
    )


def _epoch(view: ParkView) -> Iterator[Sample]:
    if view.epoch is not None:
        yield (), view.epoch


def _up(view: ParkView) -> Iterator[Sample]:
    for row in view.nodes:
        yield (row.name,), row.state == "alive"


def _silence(view: ParkView) -> Iterator[Sample]:
    for row in view.nodes:
        if row.last_seen is not None:
            yield (row.name,), max(view.now.mono - row.last_seen, 0.0)


def _restarts(view: ParkView) -> Iterator[Sample]:
    for row in view.nodes:
        if row.restarts is not None:
            yield (row.name,), row.restarts


def _lag(view: ParkView) -> Iterator[Sample]:
    for row in view.nodes:
        if row.lag_seconds is not None:
            yield (row.name,), row.lag_seconds


NODES = (
    gauge("node_up", "1 while the node is alive.", NODE, _up),
    gauge("node_silence_seconds", "Time since the node was last heard.", NODE, _silence),
    gauge("node_lag_seconds", "Time the oldest word to the node waits to be acknowledged.", NODE, _lag),
    counter("node_restarts", "Starts of the node after its first.", NODE, _restarts),
)

"""Metrics of the link to the backend and of the durable queue in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nodes.metrics.family import Sample, Samples, counter, gauge
from park.view import BackendRow, ParkView

STATES = ("online", "offline", "pending", "rejected", "disabled")


def _figure(value: Callable[[BackendRow], float | None]) -> Samples:
    def samples(view: ParkView) -> Iterator[Sample]:
        figure = None if view.backend is None else value(view.backend)
        if figure is not None:
            yield (), figure

    return samples


def _states(view: ParkView) -> Iterator[Sample]:
    if view.backend is not None:
        for state in STATES:
            yield (state,), state == view.backend.state


def _oldest(view: ParkView) -> Iterator[Sample]:
    if view.backend is not None and view.backend.queue_depth is not None:
        oldest = view.backend.oldest_at
        yield (), 0.0 if oldest is None else max((view.now.wall - oldest).total_seconds(), 0.0)


BACKEND = (
    gauge("backend_connected", "1 while the backend accepts us.", (), _figure(lambda row: row.state == "online")),
    gauge("backend_state", "1 for the present state of the link, 0 for others.", ("state",), _states),
    gauge("backend_queue_messages", "Messages kept for the backend.", (), _figure(lambda row: row.queue_depth)),
    gauge("backend_queue_oldest_seconds", "How long the oldest message waits; 0: none does.", (), _oldest),
    gauge("backend_dead_letters", "Messages given up, kept for export.", (), _figure(lambda row: row.dead_letters)),
    counter("backend_unanswered", "Transmissions without an answer.", (), _figure(lambda row: row.unanswered)),
    counter("backend_wire_repeats", "Transmissions repeated.", (), _figure(lambda row: row.wire_repeats)),
)

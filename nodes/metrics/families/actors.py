"""Metrics of supervision: which actors run, and what they lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nodes.metrics.family import Sample, Samples, counter, gauge
from park.view import ActorRow, ParkView

ACTOR = ("node", "actor")


def _each(value: Callable[[ActorRow], float]) -> Samples:
    def samples(view: ParkView) -> Iterator[Sample]:
        for row in view.actors:
            yield (row.node, row.name), value(row)

    return samples


ACTORS = (
    gauge("actor_up", "1 while the actor runs.", ACTOR, _each(lambda row: row.state == "running")),
    counter("actor_restarts", "Restarts by the supervisor.", ACTOR, _each(lambda row: row.restarts)),
    counter("actor_dropped", "Messages told while nobody could handle them.", ACTOR, _each(lambda row: row.dropped)),
    counter("actor_quarantined", "Messages that crashed it twice.", ACTOR, _each(lambda row: row.quarantined)),
    gauge("actor_mailbox_messages", "Messages waiting.", ACTOR, _each(lambda row: row.mailbox)),
)

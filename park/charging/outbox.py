"""Session facts on their way to the journal: each is sent again until it is on disk."""

from __future__ import annotations

import math

from msgspec import Struct

from park.model.session import FactKey, RecordFact, SessionFact, key_of

RESEND_SECONDS = 3.0
SILENT_SECONDS = 10.0  # a journal that takes longer is reported as a fault
CAPACITY = 64  # facts waiting; beyond it no further readings are taken (starts and ends always are)


class Outbox(Struct, frozen=True):
    """`waiting`: in order, not known to be on disk. `due`: mono of the next repetition. `since`: mono it waits from."""

    waiting: tuple[SessionFact, ...] = ()
    due: float = math.inf
    since: float = math.inf

    @property
    def full(self) -> bool:
        return len(self.waiting) >= CAPACITY


EMPTY = Outbox()


def record(outbox: Outbox, fact: SessionFact, mono: float) -> tuple[Outbox, RecordFact]:
    first = not outbox.waiting
    return (
        Outbox(
            waiting=(*outbox.waiting, fact),
            due=mono + RESEND_SECONDS if first else outbox.due,
            since=mono if first else outbox.since,
        ),
        RecordFact(fact),
    )


def persisted(outbox: Outbox, key: FactKey, mono: float) -> Outbox:
    """Forget the fact of this key; unknown keys (repeated acknowledgements) change nothing."""
    waiting = tuple(fact for fact in outbox.waiting if key_of(fact) != key)
    if len(waiting) == len(outbox.waiting):
        return outbox
    return Outbox(waiting=waiting, due=outbox.due, since=mono) if waiting else EMPTY


def repeat(outbox: Outbox, mono: float) -> tuple[Outbox, tuple[RecordFact, ...]]:
    """Everything that waits, again and in order, once it is due."""
    if mono < outbox.due:
        return outbox, ()
    again = Outbox(waiting=outbox.waiting, due=mono + RESEND_SECONDS, since=outbox.since)
    return again, tuple(RecordFact(fact) for fact in outbox.waiting)


def is_waiting(outbox: Outbox, key: FactKey) -> bool:
    return any(key_of(fact) == key for fact in outbox.waiting)


def is_silent(outbox: Outbox, mono: float) -> bool:
    return mono >= outbox.since + SILENT_SECONDS


def deadlines(outbox: Outbox) -> tuple[float, ...]:
    return (outbox.due, outbox.since + SILENT_SECONDS) if outbox.waiting else ()

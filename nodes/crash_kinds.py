"""What passes a crash point: the transaction messages (OCPP 1.6 §6) that facts in rows and frames are or become."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Final

from nodes.crash import UNBOUND, Kinds
from park.exchange.session import Frame
from park.journal.journal import TABLE as JOURNAL
from park.model.session import FactId, FactOffered, FactTaken, SessionEnded, SessionFact, SessionMetered, SessionStarted
from park.model.storage import Delete, Put
from park.ocpp.rows import QUEUE

_KINDS: Final = {"started": "StartTransaction", "metered": "MeterValues", "ended": "StopTransaction"}
Body = Callable[[str, str], str | None]
"""(table, key) → what the disk holds there."""


def persisted(writes: Iterable[Put | Delete]) -> Kinds:
    """Of the facts that come to disk: into the journal or into the queue towards the backend."""
    rows = ((write.table, write.body) for write in writes if isinstance(write, Put))
    return {UNBOUND, *(kind for table, body in rows for kind, is_delivered in _fact(table, body) if not is_delivered)}


def delivered(writes: Iterable[Put | Delete]) -> Kinds:
    """Of the facts whose row in the journal says from now on that the backend has them."""
    rows = ((write.table, write.body) for write in writes if isinstance(write, Put))
    return _named(kind for table, body in rows for kind, is_delivered in _fact(table, body) if is_delivered)


def deleted(writes: Iterable[Put | Delete], body: Body) -> Kinds:
    """Of the answered messages that leave the queue; asked before they have left."""
    keys = [(write.table, write.key) for write in writes if isinstance(write, Delete)]
    bodies = [(table, body(table, key)) for table, key in keys]
    found = {kind for table, text in bodies if text is not None for kind, _ in _fact(table, text)}
    return found | {UNBOUND} if keys else ()


def _fact(table: str, body: str) -> Iterable[tuple[str, bool]]:
    """Kind of the fact in a row, and whether it is delivered; nothing for rows of other tables."""
    if table == QUEUE:
        yield _KINDS[json.loads(body)["fact"]["kind"]], False
    elif table == JOURNAL:
        row = json.loads(body)
        yield _KINDS[row["kind"]], bool(row["delivered"])


def _named(kinds: Iterable[str]) -> Kinds:
    found = set(kinds)
    return found | {UNBOUND} if found else ()


class CrossingFacts:
    """Facts on the link of a board; a receipt names only their ids, so those offered are remembered."""

    def __init__(self) -> None:
        self._offered: dict[FactId, str] = {}

    def offered(self, frame: Frame) -> Kinds:
        offers = [entry.message for entry in frame.entries if isinstance(entry.message, FactOffered)]
        self._offered |= {offer.id: _message_of(offer.fact) for offer in offers}
        return _named(_message_of(offer.fact) for offer in offers)

    def taken(self, frame: Frame) -> Kinds:
        ids = [entry.message.id for entry in frame.entries if isinstance(entry.message, FactTaken)]
        return _named(self._offered[each] for each in ids if each in self._offered)


def _message_of(fact: SessionFact) -> str:
    match fact:
        case SessionStarted():
            return _KINDS["started"]
        case SessionMetered():
            return _KINDS["metered"]
        case SessionEnded():
            return _KINDS["ended"]

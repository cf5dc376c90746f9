"""What a journal knows: facts by number, from being written to being delivered."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

from msgspec import Struct, field

from park.journal.codec import Entry
from park.model.session import FactKey, OpenSession, RecordFact, RecoverSession
from park.model.storage import Delete, Put

Rows: TypeAlias = tuple[Put | Delete, ...]


class JournalState(Struct):
    """By number: `pending` being written, `untaken` on disk but not in the queue, `unfinished` not delivered.

    `charge_points`: those of the configuration, None: whoever comes. `writing`: rows of each commit under way, by
    token. `refused`: rows the disk did not take, oldest first. `asked`: by session, the numbers of facts the other side
    is asked about; `answer_by`: mono until which its answer is waited for.
    """

    journal: str
    charge_points: Collection[str] | None = None
    loaded: bool = False
    next_number: int = 1
    next_token: int = 1
    numbers: dict[FactKey, int] = field(default_factory=dict[FactKey, int])
    pending: dict[int, Entry] = field(default_factory=dict[int, Entry])
    writing: dict[int, Rows] = field(default_factory=dict[int, Rows])
    refused: Rows = ()
    untaken: dict[int, Entry] = field(default_factory=dict[int, Entry])
    unfinished: dict[int, Entry] = field(default_factory=dict[int, Entry])
    delivered: dict[int, Entry] = field(default_factory=dict[int, Entry])
    open: dict[str, OpenSession] = field(default_factory=dict[str, OpenSession])
    waiting: list[RecordFact | RecoverSession] = field(default_factory=list[RecordFact | RecoverSession])
    offered_at: dict[int, float] = field(default_factory=dict[int, float])
    asked: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    answer_by: float = 0.0
    retry_at: float | None = None

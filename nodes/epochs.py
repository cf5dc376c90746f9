"""The epoch on disk: one higher at every start, and never lower than any that was used (safety: One voice)."""

from __future__ import annotations

from typing import Protocol

from actors.address import Address, Nowhere
from park.load.report import EpochTaken
from park.model.storage import Commit, Put, Row

TABLE = "epoch"
KEY = "highest"


class Disk(Protocol):
    """The store of a node that has not begun."""

    def rows(self, *tables: str) -> tuple[Row, ...]: ...

    def put_now(self, put: Put, /) -> None: ...


def take_next(store: Disk) -> int:
    """The epoch of this start, on disk before it is used. Call before the store is started."""
    highest = max((int(row.body) for row in store.rows(TABLE)), default=0)
    store.put_now(Put(TABLE, KEY, str(highest + 1)))
    return highest + 1


class Keeper:
    """Told of a taken epoch, it writes it down and passes it on."""

    def __init__(self, store: Address[Commit], onwards: Address[EpochTaken]) -> None:
        self._store, self._onwards = store, onwards

    def tell(self, message: EpochTaken, /) -> None:
        self._store.tell(Commit((Put(TABLE, KEY, str(message.epoch)),), 0, Nowhere()))
        self._onwards.tell(message)

"""Epoch and lives on disk: an epoch higher at every start, never lower than any that was used (safety: One voice)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address, Nowhere
from park.load.report import EpochTaken
from park.load.rivalry import Standing, StandingReported
from park.load.state import CoordinatorSettings
from park.model.storage import Commit, Delete, Put, Row

TABLE = "epoch"
KEY = "highest"
LIVES = "lives"
TABLE_OF_STANDING = "standing"
STANDING = "newest"
LIVES_KEPT = 1_000  # a board that obeyed an older one is told from another server's by its epoch, which is far lower


class Life(Struct, frozen=True):
    """This start of a server. `server_id`: drawn for it, so that a copy of the database speaks with another voice.

    `suspects`: another server kept the start before from leading.
    """

    server_id: str
    epoch: int
    earlier: frozenset[str]
    suspects: bool = False


def _drawn() -> str:
    return uuid.uuid4().hex[:12]


def begin_life(store: Disk, server_id: str, draw: Callable[[], str] = _drawn) -> Life:
    """The voice of this start of a store with this id, on disk before it is used. Call before the store is started."""
    rows = store.rows(LIVES)
    life = Life(
        f"{server_id}.{draw()}",
        take_next(store),
        frozenset((server_id, *(row.body for row in rows))),
        any(row.key == STANDING and row.body != Standing.LEADS.value for row in store.rows(TABLE_OF_STANDING)),
    )
    outdated = [Delete(LIVES, row.key) for row in rows[: max(0, len(rows) + 1 - LIVES_KEPT)]]
    store.put_now(Put(LIVES, f"{life.epoch:012d}", life.server_id), *outdated)
    return life


class Disk(Protocol):
    """The store of a node that has not begun."""

    def rows(self, *tables: str) -> tuple[Row, ...]: ...

    def put_now(self, *writes: Put | Delete) -> None: ...


def take_next(store: Disk) -> int:
    """The epoch of this start, on disk before it is used. Call before the store is started."""
    highest = max((int(row.body) for row in store.rows(TABLE)), default=0)
    store.put_now(Put(TABLE, KEY, str(highest + 1)))
    return highest + 1


class Incarnations:
    """The voices of one start's coordinators: the first speaks as the start does, each next one above all of before.

    What one before has sent may still be under way; by the higher epoch it is refused once its successor was obeyed.
    Told of a taken epoch, it passes that on to whoever writes it down.
    """

    def __init__(self, settings: CoordinatorSettings, keeper: Address[EpochTaken]) -> None:
        self._settings, self._keeper = settings, keeper
        self._highest = settings.epoch - 1

    def tell(self, message: EpochTaken, /) -> None:
        self._highest = max(self._highest, message.epoch)
        self._keeper.tell(message)

    def next(self) -> CoordinatorSettings:
        """What the next one works by."""
        epoch = self._highest + 1
        if epoch != self._settings.epoch:
            self._keeper.tell(EpochTaken(epoch))
        self._highest = epoch
        return replace(self._settings, epoch=epoch)


class StandingKeeper:
    """Told of the standing, it writes it down and passes it on: a restart must not forget another server."""

    def __init__(self, store: Address[Commit], onwards: Address[StandingReported]) -> None:
        self._store, self._onwards = store, onwards

    def tell(self, message: StandingReported, /) -> None:
        if message.standing is Standing.LEADS or message.suspects:
            put = Put(TABLE_OF_STANDING, STANDING, message.standing.value)
            self._store.tell(Commit((put,), 0, Nowhere()))
        self._onwards.tell(message)


class Keeper:
    """Told of a taken epoch, it writes it down and passes it on."""

    def __init__(self, store: Address[Commit], onwards: Address[EpochTaken]) -> None:
        self._store, self._onwards = store, onwards

    def tell(self, message: EpochTaken, /) -> None:
        self._store.tell(Commit((Put(TABLE, KEY, str(message.epoch)),), 0, Nowhere()))
        self._onwards.tell(message)

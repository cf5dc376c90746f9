"""The durable row store as messages: what survives a power cut is committed before it is acted on."""

from __future__ import annotations

from typing import ClassVar, Protocol

from msgspec import Struct

from park.model.delivery import Delivery


class Replies(Protocol):
    """Where answers of the store go: the asking actor's address."""

    def tell(self, message: RowsLoaded | Committed | CommitFailed, /) -> None: ...


class Put(Struct, frozen=True):
    """Insert or replace one row. Rows of a table are loaded in ascending order of `key`. `body` is JSON."""

    table: str
    key: str
    body: str


class Delete(Struct, frozen=True):
    table: str
    key: str


class Commit(Struct, frozen=True):
    """All writes or none, on disk before `Committed(token)` is told."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    writes: tuple[Put | Delete, ...]
    token: int
    reply_to: Replies


class LoadRows(Struct, frozen=True):
    """Ask for all rows of the tables, answered by one `RowsLoaded`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    tables: tuple[str, ...]
    reply_to: Replies


class Row(Struct, frozen=True):
    table: str
    key: str
    body: str


class RowsLoaded(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    rows: tuple[Row, ...]


class Committed(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    token: int


class CommitFailed(Struct, frozen=True):
    """Nothing of the commit is on disk; `reason` says why (disk full, I/O error)."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    token: int
    reason: str


class Write(Struct, frozen=True):
    """Effect of a step: commit these rows, to be answered by `Committed(token)` or `CommitFailed(token)`."""

    writes: tuple[Put | Delete, ...]
    token: int


class Load(Struct, frozen=True):
    """Effect of a step: load these tables, to be answered by `RowsLoaded`."""

    tables: tuple[str, ...]

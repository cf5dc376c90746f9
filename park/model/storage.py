"""The durable row store as messages: what survives a power cut is committed before it is acted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from park.model.delivery import Delivery


class Replies(Protocol):
    """Where answers of the store go: the asking actor's address."""

    def tell(self, message: RowsLoaded | Committed | CommitFailed, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Put:
    """Insert or replace one row. Rows of a table are loaded in ascending order of `key`. `body` is JSON."""

    table: str
    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Delete:
    table: str
    key: str


@dataclass(frozen=True, slots=True)
class Commit:
    """All writes or none, on disk before `Committed(token)` is told."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    writes: tuple[Put | Delete, ...]
    token: int
    reply_to: Replies


@dataclass(frozen=True, slots=True)
class LoadRows:
    """Ask for all rows of the tables, answered by one `RowsLoaded`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    tables: tuple[str, ...]
    reply_to: Replies


@dataclass(frozen=True, slots=True)
class Row:
    table: str
    key: str
    body: str


@dataclass(frozen=True, slots=True)
class RowsLoaded:
    delivery: ClassVar[Delivery] = Delivery.STATE

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    delivery: ClassVar[Delivery] = Delivery.STATE

    token: int


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """Nothing of the commit is on disk; `reason` says why (disk full, I/O error)."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    token: int
    reason: str


@dataclass(frozen=True, slots=True)
class Write:
    """Effect of a step: commit these rows, to be answered by `Committed(token)` or `CommitFailed(token)`."""

    writes: tuple[Put | Delete, ...]
    token: int


@dataclass(frozen=True, slots=True)
class Load:
    """Effect of a step: load these tables, to be answered by `RowsLoaded`."""

    tables: tuple[str, ...]

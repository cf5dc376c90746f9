"""Refused id tags on disk, so that a card the backend refused does not start after a restart either (D4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from park.model.storage import Delete, Put, Row

TABLE = "refused_tags"
REMEMBERED = 1_000  # bounds memory and disk; the oldest is forgotten first


@dataclass(frozen=True, slots=True)
class LoadRefusals:
    """Effect: load the table, to be answered by `RowsLoaded`."""

    table: str = TABLE


@dataclass(frozen=True, slots=True)
class KeepRefusals:
    """Effect: commit these rows; a refused commit costs the memory of a restart, not that of the running node."""

    writes: tuple[Put | Delete, ...]


def changes(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[KeepRefusals, ...]:
    """The rows that bring the disk from one set of refused tags to another; nothing when they are the same."""
    if before is after or before == after:
        return ()
    gone, new = set(before) - set(after), set(after) - set(before)
    writes = (*(Delete(TABLE, tag) for tag in sorted(gone)), *(Put(TABLE, tag, "{}") for tag in sorted(new)))
    return (KeepRefusals(writes),) if writes else ()


def merged(rows: Iterable[Row], refused: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of the rows, then those learned since the start, newest last."""
    known = tuple(row.key for row in rows if row.table == TABLE and row.key not in refused)
    return (*known, *refused)[-REMEMBERED:]

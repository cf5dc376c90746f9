"""Refused id tags on disk, so that a card the backend refused does not start after a restart either (D4)."""

from __future__ import annotations

from collections.abc import Iterable

from park.model.storage import Delete, Put, Row

TABLE = "refused_tags"
REMEMBERED = 1_000  # bounds memory and disk; the oldest is forgotten first


def changes(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Put | Delete, ...]:
    """The rows that bring the disk from one set of refused tags to another; none when they are the same."""
    if before is after or before == after:
        return ()
    gone, new = set(before) - set(after), set(after) - set(before)
    return (*(Delete(TABLE, tag) for tag in sorted(gone)), *(Put(TABLE, tag, "{}") for tag in sorted(new)))


def merged(rows: Iterable[Row], refused: tuple[str, ...]) -> tuple[str, ...]:
    """The tags of the rows, then those learned since the start, newest last."""
    known = tuple(row.key for row in rows if row.table == TABLE and row.key not in refused)
    return (*known, *refused)[-REMEMBERED:]

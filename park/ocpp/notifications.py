"""Notifications: calls of this side beside transactions that must arrive, one after the other, and survive a restart.

Security events (white paper: guaranteed delivery), and the states of firmware and log uploads. An answer or an error
of the backend ends a notification; silence and a lost connection do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict, cast

from msgspec import Struct
from msgspec.structs import replace

from park.model.storage import Delete, Put, Row
from park.ocpp.link import Payload
from park.ocpp.rows import Rows

NOTIFICATIONS = "notifications"  # table
TRIES = 5  # ours: of a notification to which a backend that answers everything else says nothing
RETRY_SECONDS = 60.0  # ours: between them
MOST_NOTIFICATIONS = 1_000  # ours: some 200 kB; beyond it the oldest are given up, the security log has them all


class Notification(Struct, frozen=True):
    """`number`: its place in the queue and its row."""

    number: int
    action: str
    payload: Payload


class _NotificationRow(TypedDict):
    action: str
    payload: dict[str, object]


class Notifications(Struct, frozen=True):
    """`waiting`: oldest first. `refused`: actions the backend does not know; they are not sent any more.

    `silences`: how often the oldest got no answer; it is not sent again before `not_before` (mono).
    """

    rows: Rows
    waiting: tuple[Notification, ...] = ()
    next_number: int = 0
    refused: frozenset[str] = frozenset()
    dropped: int = 0
    silences: int = 0
    not_before: float = 0.0

    def due(self, mono: float) -> Notification | None:
        return self.waiting[0] if self.waiting and mono >= self.not_before else None

    def offer(self, action: str, payload: Payload) -> tuple[Notifications, tuple[Put | Delete, ...]]:
        """Add one at the end; returns what to write."""
        if action in self.refused:
            return self, ()
        notification = Notification(self.next_number, action, payload)
        over = self.waiting[: max(0, len(self.waiting) + 1 - MOST_NOTIFICATIONS)]
        kept = replace(
            self,
            waiting=(*self.waiting[len(over) :], notification),
            next_number=self.next_number + 1,
            dropped=self.dropped + len(over),
        )
        row: _NotificationRow = {"action": action, "payload": dict(payload)}
        put = self.rows.put(NOTIFICATIONS, _place(notification), json.dumps(row, separators=(",", ":")))
        return kept, (put, *(self._delete(each) for each in over))

    def delivered(self, number: int) -> tuple[Notifications, tuple[Delete, ...]]:
        """The backend answered it, or never will."""
        found = tuple(each for each in self.waiting if each.number == number)
        waiting = tuple(each for each in self.waiting if each.number != number)
        kept = replace(self, waiting=waiting, silences=0, not_before=0.0)
        return kept, tuple(self._delete(each) for each in found)

    def unanswered(self, number: int, mono: float) -> tuple[Notifications, tuple[Delete, ...]]:
        """No answer in time; after the last try it is given up."""
        if self.silences + 1 >= TRIES:
            return self.delivered(number)
        return replace(self, silences=self.silences + 1, not_before=mono + RETRY_SECONDS), ()

    def unknown(self, action: str) -> tuple[Notifications, tuple[Delete, ...]]:
        """The backend does not know this action: none of them waits any more."""
        gone = tuple(each for each in self.waiting if each.action == action)
        waiting = tuple(each for each in self.waiting if each.action != action)
        refused = self.refused | {action}
        return replace(self, waiting=waiting, refused=refused), tuple(self._delete(each) for each in gone)

    def _delete(self, notification: Notification) -> Delete:
        return self.rows.delete(NOTIFICATIONS, _place(notification))


def load(rows: Rows, found: Iterable[Row]) -> Notifications:
    """What waits on disk; a row that cannot be read is left out, it is a notification and no session."""
    waiting: list[Notification] = []
    for key, body in rows.mine(found, NOTIFICATIONS):
        try:
            row = cast("_NotificationRow", json.loads(body))
            waiting.append(Notification(int(key), str(row["action"]), dict(row["payload"])))
        except (ValueError, KeyError, TypeError):
            continue
    return Notifications(rows, tuple(waiting), waiting[-1].number + 1 if waiting else 0)


def _place(notification: Notification) -> str:
    return f"{notification.number:012d}"

"""Sessions the backend has the whole of, remembered by their keys: what is offered again is not sent again (D1).

A board that was away may offer facts whose delivery it never heard of, however many sessions others had meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import timedelta

from park.ocpp.rows import DeliveredSession

KEPT = timedelta(days=30)  # as long as a board keeps delivered facts (safety: Journal)
FORGOTTEN_TOGETHER = 2  # with each session that is added: keeps up, and no commit grows


class DeliveredSessions:
    """By session. Owned by one actor and changed in place.

    One is forgotten when a session of the same journal was delivered 30 days later: before it offered that one, the
    journal had been told of this one. Somebody else's sessions, or a board that stays away, make nobody forget.
    """

    __slots__ = ("_by_journal", "_known")

    def __init__(self, sessions: Iterable[DeliveredSession] = ()) -> None:
        self._known: dict[str, DeliveredSession] = {}
        self._by_journal: dict[str, deque[str]] = {}
        for session in sorted(sessions, key=lambda known: known.at):
            self.add(session)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, session: str) -> DeliveredSession | None:
        return self._known.get(session)

    def add(self, known: DeliveredSession) -> None:
        if known.session not in self._known:
            self._by_journal.setdefault(known.journal, deque()).append(known.session)
        self._known[known.session] = known

    def outdated(self, newer: DeliveredSession) -> tuple[str, ...]:
        """Sessions to forget once `newer` is kept."""
        order = self._by_journal.get(newer.journal, ())
        oldest = [self._known[session] for session, _ in zip(order, range(FORGOTTEN_TOGETHER), strict=False)]
        return tuple(known.session for known in oldest if newer.at - known.at > KEPT)

    def forget(self, sessions: Iterable[str]) -> None:
        """Those that `outdated` named."""
        for session in sessions:
            known = self._known.pop(session, None)
            if known is not None:
                self._by_journal[known.journal].remove(session)

"""Facts on their way to disk: after a restart of either side a journal offers all it has at once."""

from __future__ import annotations

from collections import deque

from park.model.session import FactId, FactOffered


class Arrivals:
    """`writing`: the batch of the commit under way; others wait behind it. Owned by one actor and changed in place."""

    __slots__ = ("_ids", "_newest", "_waiting", "writing")

    def __init__(self) -> None:
        self.writing: tuple[FactOffered, ...] = ()
        self._waiting: deque[FactOffered] = deque()
        self._ids: set[FactId] = set()
        self._newest: dict[str, int] = {}  # ordinal, by session

    @property
    def due(self) -> bool:
        """Whether a batch can be written now."""
        return bool(self._waiting) and not self.writing

    def __contains__(self, fact: FactId) -> bool:
        return fact in self._ids

    def newest(self, session: str) -> int:
        """Largest ordinal of the session on its way; -1: none is."""
        return self._newest.get(session, -1)

    def add(self, offered: FactOffered) -> None:
        session, ordinal = offered.fact.session, offered.fact.ordinal
        self._waiting.append(offered)
        self._ids.add(offered.id)
        self._newest[session] = max(ordinal, self.newest(session))

    def begin(self, most: int) -> tuple[FactOffered, ...]:
        """Take the next batch, the oldest `most` of those that wait."""
        self.writing = tuple(self._waiting.popleft() for _ in range(min(most, len(self._waiting))))
        return self.writing

    def finish(self) -> tuple[FactOffered, ...]:
        """The batch is on disk; returns it."""
        batch, self.writing = self.writing, ()
        for offered in batch:
            self._ids.discard(offered.id)
            if self._newest.get(offered.fact.session) == offered.fact.ordinal:
                del self._newest[offered.fact.session]
        return batch

    def clear(self) -> None:
        """Forget the batch and all that waits behind it."""
        self.writing = ()
        self._waiting.clear()
        self._ids.clear()
        self._newest.clear()

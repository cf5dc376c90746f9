"""What waits for the backend, in order: an outage may last for weeks, so no step may cost more for all that waits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from park.ocpp.rows import Entry


class Backlog:
    """Entries on disk by their number, ascending. Owned by one actor and changed in place."""

    __slots__ = ("_entries", "_of_session", "_undated")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        # An ordinary dict looks for its first key among all that were deleted before it.
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._of_session: dict[str, dict[int, Entry]] = {}
        self._undated: dict[int, Entry] = {}
        for entry in entries:
            self.add(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    @property
    def head(self) -> Entry | None:
        return next(iter(self), None)

    def of_session(self, session: str) -> tuple[Entry, ...]:
        return tuple(self._of_session.get(session, {}).values())

    @property
    def undated(self) -> Iterator[Entry]:
        """Those whose date is not known, the oldest first."""
        return iter(self._undated.values())

    def add(self, entry: Entry) -> None:
        """Append; its number is the largest."""
        self._entries[entry.number] = entry
        self._of_session.setdefault(entry.fact.session, {})[entry.number] = entry
        if entry.fact.undated is not None:
            self._undated[entry.number] = entry

    def redate(self, entry: Entry) -> None:
        """The date of an entry is known now; nothing where it is gone."""
        if entry.number in self._entries:
            self._entries[entry.number] = self._of_session[entry.fact.session][entry.number] = entry
            self._undated.pop(entry.number, None)

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget those of these numbers that are there."""
        for number in numbers:
            entry = self._entries.pop(number, None)
            if entry is None:
                continue
            self._undated.pop(number, None)
            siblings = self._of_session[entry.fact.session]
            del siblings[number]
            if not siblings:
                del self._of_session[entry.fact.session]

"""The mean of the currents of the last seconds (B-089), with a running sum because every poll asks for it."""

from __future__ import annotations

from msgspec import Struct

from park.model.electric import ZERO, PerPhase


class Window(Struct, frozen=True):
    """Currents by the time they were taken, oldest first, and their sum."""

    entries: tuple[tuple[float, PerPhase], ...] = ()
    total: PerPhase = ZERO

    def added(self, mono: float, currents: PerPhase, seconds: float) -> Window:
        """With the currents of `mono`, without what is `seconds` or more older; never empty."""
        entries, (l1, l2, l3) = self.entries, self.total
        oldest = mono - seconds
        gone = 0
        for taken, old in entries:
            if taken > oldest:
                break
            gone += 1
            l1, l2, l3 = l1 - old[0], l2 - old[1], l3 - old[2]
        total = (l1 + currents[0], l2 + currents[1], l3 + currents[2])
        return Window((*entries[gone:], (mono, currents)), total)

    def mean(self) -> PerPhase | None:
        """Milliamperes, None when empty; rounded towards more load, since the mean holds increases back."""
        count = len(self.entries)
        if not count:
            return None
        l1, l2, l3 = self.total
        return (-(-l1 // count), -(-l2 // count), -(-l3 // count))

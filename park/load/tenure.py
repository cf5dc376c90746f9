"""How long grants may last where what they share out is leased itself (safety §3, Nested coordinators)."""

from __future__ import annotations

import math

from park.load.lease import CLOCK_MARGIN, lease_and_guard


class Tenure:
    """The end that no grant outlasts. Mutable, owned by the coordinator's state.

    A grant sent before an earlier end was known may outlast it. What that one and the lapse currents take together has
    to fit under what holds after the end, so until it is over no lapse current is raised.
    """

    __slots__ = ("_ends", "_lapses_from", "_latest", "_lease_seconds")

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._ends = math.inf  # mono
        self._latest = -math.inf  # mono by which all grants have ended
        self._lapses_from = -math.inf  # mono from which lapse currents may rise

    def end_at(self, mono: float) -> bool:
        """From now on grants end by then; ∞: when their lease is over. True: that is new."""
        if mono == self._ends:
            return False
        self._ends = mono
        if mono < self._latest:
            self._lapses_from = self._latest
        return True

    def valid_for(self, heard: float) -> float:
        """Seconds for a grant that echoes a stamp heard then; its board's clock may be slow. 0 or less: no grant."""
        return min(self._lease_seconds, (self._ends - heard) / CLOCK_MARGIN)

    def lapse_ma(self, offered_ma: int, counted_ma: int, now: float) -> int:
        """The lapse current to grant: the one offered, or the one that counts already."""
        return offered_ma if now >= self._lapses_from else min(offered_ma, counted_ma)

    def sent(self, heard: float, valid_for: float) -> float:
        """A grant leaves. Mono by which it is over, by the coordinator's count."""
        self._latest = max(self._latest, min(self._ends, heard + CLOCK_MARGIN * valid_for))
        return heard + lease_and_guard(valid_for)

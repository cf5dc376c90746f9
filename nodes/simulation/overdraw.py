"""What cars draw that nobody offered them: for a park it comes from outside, like foreign load (safety S3, S4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from park.load.lease import REACTION_SECONDS
from park.load.standing import TOLERATED_MA, TOLERATED_OVERDRAW
from park.model.electric import ZERO, PerPhase, add
from park.physics.evse import Evse
from park.physics.site import Site


class OverdrawWatch:
    """Compares each car with the most its pilot offered within the reaction time.

    `defiant`: some car drew more than 10 % + 0.5 A too much when `on` was called last.
    """

    def __init__(self, site: Site) -> None:
        self.defiant = False
        self._circuits: Mapping[str, list[Evse]] = {name: circuit.evses for name, circuit in site.circuits.items()}
        self._now = dict.fromkeys(site.evses.values(), 0)
        self._before: dict[Evse, deque[tuple[float, int]]] = {evse: deque() for evse in self._now}  # (until, mA)

    def offered(self, evse: Evse, amps_ma: int, now: float) -> None:
        """The pilot changed; a higher offer before it may still be drawn for a while."""
        if amps_ma < self._now[evse]:
            self._before[evse].append((now + REACTION_SECONDS, self._now[evse]))
        self._now[evse] = amps_ma

    def on(self, circuit: str, now: float) -> PerPhase:
        """Sum of what flows too much on a circuit; ZERO itself if nothing does."""
        self.defiant = False
        total = ZERO
        for evse in self._circuits[circuit]:
            if evse.current_ma > self._now[evse]:
                total = self._with(total, evse, now)
        return total

    def _with(self, total: PerPhase, evse: Evse, now: float) -> PerPhase:
        before = self._before[evse]
        while before and before[0][0] <= now:
            before.popleft()
        offered = max((amps for _, amps in before), default=0)
        excess = evse.current_ma - max(offered, self._now[evse])
        if excess <= 0:
            return total
        self.defiant = self.defiant or excess > TOLERATED_MA + TOLERATED_OVERDRAW * max(offered, self._now[evse])
        a, b, c = (excess if flow else 0 for flow in evse.flow_ma)
        return add(total, (a, b, c))

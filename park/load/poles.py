"""How many phases a charge point that switches them is planned for, was granted, and has to be counted with.

A switch goes over zero: the grant falls to 0 A first, then names the new number, and current is granted on it once the
board says that no other phase can carry any. So whatever is lost or late, no phase carries current nobody counted.
"""

from __future__ import annotations

import math
from collections import deque

ONE, THREE = 1, 3  # B-287
HOUR_SECONDS = 3600.0
SWITCH_SECONDS = 210.0  # WARP chargers; EVerest 600 s, openWB 7 min


class Poles:
    """Of one charge point with two poles. Mutable.

    `planned`: phases that shares are worked out for. `granted`: those that grants name. `reported`: those that may
    carry current by the newest report of its board. `better_since`: mono since the other number is better, None: it is
    not. `settled`: the switch under way is over. `tried`: (what was shared out then, whether the other was better).
    """

    __slots__ = (
        "_confirmed", "_three_sent", "better_since", "granted", "planned", "reported", "settled", "switched", "tried",
    )  # fmt: skip

    def __init__(self, reported: int, sent: int = 0, confirmed: int = 0) -> None:
        """`sent`, `confirmed`: sequences of the newest grant so far, of all phases, and of the newest it has taken."""
        self.planned = self.granted = self.reported = reported
        self._three_sent = sent  # sequence of the newest grant of three phases
        self._confirmed = confirmed
        self.better_since: float | None = None
        self.switched: deque[float] = deque()
        self.settled = True
        self.tried: tuple[object, bool] | None = None

    def sent(self, phases: int, sequence: int) -> None:
        """A grant of so many phases left."""
        if phases == THREE:
            self._three_sent = sequence

    def heard(self, reported: int, sequence: int) -> None:
        """Its board obeys this grant, 0: none of ours, and so many phases may carry current."""
        self.reported = reported
        self._confirmed = max(self._confirmed, sequence)

    @property
    def counted(self) -> int:
        """Three until its board says otherwise, having taken whatever may still make them three."""
        return ONE if self.reported == ONE and self._three_sent <= self._confirmed else THREE

    @property
    def under_way(self) -> bool:
        """Nothing may be granted but 0 A."""
        return self.granted != self.planned or (self.planned == ONE and self.counted == THREE)

    def plan(self, phases: int, now: float, *, wears: bool) -> None:
        """Shares are for so many from now on. `wears`: it counts as one of the switches of the hour."""
        self.planned, self.better_since, self.tried, self.settled = phases, None, None, False
        if wears:
            self.switched.append(now)

    def switches_of_the_hour(self, now: float) -> int:
        while self.switched and self.switched[0] <= now - HOUR_SECONDS:
            self.switched.popleft()
        return len(self.switched)

    def lasts(self, *, better: bool, now: float) -> float:
        """For how many seconds the other number has been better; -inf: it is not."""
        if not better:
            self.better_since = None
            return -math.inf
        if self.better_since is None:
            self.better_since = now
        return now - self.better_since

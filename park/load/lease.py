"""Grants sent and not disproved: the most a charge point may hold, as the coordinator has to count it (safety §3)."""

from __future__ import annotations

import math

from msgspec import Struct

CLOCK_MARGIN = 1.05  # safety S11: a clock-rate difference of 5 % breaks nothing
GUARD_SECONDS = 1.0  # safety §3: from the end of the lease to the watchdog's action
REACTION_SECONDS = 5.0  # IEC 61851-1: the vehicle follows the pilot within 5 s
FOLLOWED_SECONDS = CLOCK_MARGIN * REACTION_SECONDS  # … counted on a clock that may be as fast


def lease_and_guard(valid_for: float) -> float:
    """Seconds for which a grant counts as in force, from the coordinator's own receipt of the stamp it echoes."""
    return CLOCK_MARGIN * valid_for + GUARD_SECONDS


class _Sent(Struct, frozen=True):
    sequence: int
    amps_ma: int
    until: float  # counted by then


class Leases:
    """The grants of one charge point that may be in force, and the lapse currents it may fall to.

    Confirmed is what the EVSE read back, never what was sent. Without a deadman below the process that can die, a
    grant that was never confirmed or replaced counts for ever. Mutable, owned by the coordinator's state.
    """

    __slots__ = ("_has_deadman", "_lapses", "_sent", "confirmed_sequence", "newest_sequence", "reported_lapse_ma")

    def __init__(self, *, has_deadman: bool) -> None:
        self._has_deadman = has_deadman
        self._sent: list[_Sent] = []  # amps strictly descending: a smaller or equal older grant changes no maximum
        self._lapses: list[tuple[int, int]] = []  # (sequence, lapse) not yet confirmed, lapse strictly descending
        self.reported_lapse_ma: int | None = None
        self.confirmed_sequence = 0
        self.newest_sequence = 0

    def sent(self, sequence: int, amps_ma: int, lapse_ma: int, until: float) -> None:
        """A grant left for the charge point; it counts until `until` (see `lease_and_guard`).

        It may be lost: what it replaces counts as long as that would have lasted.
        """
        while self._sent and self._sent[-1].amps_ma <= amps_ma:
            until = max(until, self._sent.pop().until)
        self._sent.append(_Sent(sequence, amps_ma, until))
        while self._lapses and self._lapses[-1][1] <= lapse_ma:
            self._lapses.pop()
        self._lapses.append((sequence, lapse_ma))
        self.newest_sequence = sequence

    def confirmed(self, sequence: int, lapse_ma: int, now: float) -> int:
        """The EVSE obeys this grant (0: none of ours). Returns the largest current, mA, it rules out."""
        ruled_out = 0
        sent = self._sent
        while sent and sent[0].sequence < sequence:
            ruled_out = max(ruled_out, sent.pop(0).amps_ma)
        while sent and sent[0].until + FOLLOWED_SECONDS <= now:  # it lapsed by then
            sent.pop(0)
        self._lapses = [entry for entry in self._lapses if entry[0] > sequence]
        self.reported_lapse_ma = lapse_ma
        self.confirmed_sequence = max(self.confirmed_sequence, sequence)
        return ruled_out

    def highest_ma(self, now: float) -> int:
        """Largest current a grant may still cause, the vehicle's reaction to its end included."""
        sent = self._sent
        if self._has_deadman:
            while sent and sent[0].until + FOLLOWED_SECONDS <= now:
                sent.pop(0)
        return sent[0].amps_ma if sent else 0

    def highest_until(self) -> float:
        """Mono from which `highest_ma` may be lower; ∞: nothing ends by itself."""
        return self._sent[0].until + FOLLOWED_SECONDS if self._sent and self._has_deadman else math.inf

    def lapse_ma(self, unknown_ma: int) -> int:
        """Largest lapse current that may be set in the device; `unknown_ma` before it ever reported."""
        reported = unknown_ma if self.reported_lapse_ma is None else self.reported_lapse_ma
        return max(reported, self._lapses[0][1]) if self._lapses else reported

    @property
    def unconfirmed(self) -> bool:
        return self.confirmed_sequence < self.newest_sequence

    def counted_until(self) -> float:
        """When the newest grant stops counting; −inf: none."""
        return self._sent[-1].until if self._sent else -math.inf

"""The current a charge point must be counted with: the worst of what it may do next (safety §3, committed current)."""

from __future__ import annotations

import math

from park.load.circuit import Placement
from park.load.lease import FOLLOWED_SECONDS, Leases, lease_and_guard
from park.load.told import Told, told_by
from park.model.demand import CurrentSignalled
from park.model.electric import ZERO, PerPhase, Phases, on_phases


class Commitment:
    """What one charge point may draw, by grants, by what it signalled, by its lapse current, by its meter. Mutable.

    `lease_seconds`: longest validity of a grant, an earlier coordinator's too. `began`: mono of this one's start.
    `told`: the most its board may have been told to fall to, None: what the placement says.
    """

    __slots__ = (
        "_counted",
        "_counted_ma",
        "_foreign",
        "_foreign_until",
        "_gone",
        "_kept",
        "_past",
        "_placement",
        "_promised_at",
        "_promised_ma",
        "_promised_until",
        "_silence",
        "_spoke",
        "leases",
        "measured_ma",
        "resolution_ma",
        "signalled_ma",
        "told",
    )

    def __init__(self, placement: Placement, lease_seconds: float, began: float, told: Told | None = None) -> None:
        self._placement = placement
        self.told = told or told_by(placement)
        self._kept = False  # its board has nothing higher than the placement on its disk
        self._silence = lease_and_guard(lease_seconds) + FOLLOWED_SECONDS
        self._spoke = began  # mono of the newest report
        self._foreign_until = began + self._silence  # by then no grant of an earlier coordinator is in force
        self._foreign = False
        self._gone = (-math.inf, 0)  # the largest of them that was forgotten lately: (when, mA)
        self._past: list[tuple[float, int]] = []  # (counts until, mA) of earlier signals, mA strictly descending
        self.leases = Leases(has_deadman=placement.has_deadman)
        self.signalled_ma: int | None = None  # None: never reported
        self.measured_ma: PerPhase | None = None  # by its own meter; None: none or not fresh
        self.resolution_ma = 0
        self._counted: tuple[int, Phases, PerPhase | None, int] = (0, (), None, 0)
        self._counted_ma = ZERO
        self._promised_ma = 0
        self._promised_at = -1  # the newest grant when it was counted
        self._promised_until = -math.inf  # by then time alone changes it

    def reported(self, report: CurrentSignalled, sequence: int, now: float) -> None:
        """The EVSE read back its signal. `sequence`: of the grant it obeys, 0: none of this coordinator's."""
        self._promised_until = -math.inf
        self._foreign = sequence == 0
        ruled_out = self.leases.confirmed(sequence, report.lapse_ma, now)
        if report.contactor_open:  # nothing flows: only what may flow next counts
            self._past.clear()
        else:
            known = self._placement.maximum_ma if self.signalled_ma is None else self.signalled_ma
            self._remember(max(ruled_out, known), now)
        self.signalled_ma = report.amps_ma
        self._spoke = now

    def _remember(self, amps_ma: int, now: float) -> None:
        """A current that was signalled until now: the vehicle has the reaction time to follow."""
        past = self._past
        while past and past[-1][1] <= amps_ma:
            past.pop()
        past.append((now + FOLLOWED_SECONDS, amps_ma))

    def superseded(self, now: float) -> None:
        """Another coordinator was heard: its grants may be in force as long as one lasts."""
        self._foreign_until = now + self._silence
        self._promised_until = -math.inf

    def holds_unknown(self, now: float) -> bool:
        """Nothing of ours is confirmed yet: it may obey a grant of an earlier coordinator, or one may be under way.

        What it signals now is not the most it may do then. Once it confirmed ours, its fence keeps older ones out.
        """
        return self._foreign and now < self._foreign_until

    def has_lapsed(self, heard: float, now: float) -> bool:
        """A device whose board was heard last at `heard` has let go of all grants, and its vehicle has followed."""
        return self._placement.has_deadman and now >= heard + self._silence

    def lapse_ma(self) -> int:
        """Lapse current that counts; lowered only once the device reported it lower."""
        return self.leases.lapse_ma(self.told.highest_ma)

    @property
    def reported_ma(self) -> int:
        """What its device may draw by its newest report."""
        return max(self.signalled_ma or 0, self.leases.reported_lapse_ma or 0)

    def away_ma(self) -> int:
        """The same while nothing is heard of its board, which may have booted since."""
        return max(self.lapse_ma(), self.told.boot_ma)

    def keeps(self, told: Told) -> None:
        """What its board has on disk now."""
        ours = told_by(self._placement)
        self._kept = told.fallback_ma <= ours.fallback_ma and told.boot_ma <= ours.boot_ma

    def lowered(self) -> bool:
        """Forget what it was told before, once neither board nor device has it any more. True: just now."""
        ours, reported = told_by(self._placement), self.leases.reported_lapse_ma
        if self.told == ours or not self._kept or reported is None or reported > ours.highest_ma:
            return False
        self.told = ours
        return True

    def promised_ma(self, now: float) -> int:
        """Committed on each phase in use, in mA, without looking at the meter."""
        if now >= self._promised_until or self._promised_at != self.leases.newest_sequence:
            self._promised_ma = max(self.leases.highest_ma(now), self.lapse_ma(), self._signalled(now))
            self._promised_at, self._promised_until = self.leases.newest_sequence, self._next_change(now)
        return self._promised_ma

    def promised_at_ma(self, sampled: float, now: float) -> int:
        """The most that is promised now, or was when its meter took the newest sample: that is to be compared."""
        promised, (until, gone) = self.promised_ma(now), self._gone
        return max(promised, gone) if sampled < until else promised

    def _next_change(self, now: float) -> float:
        """Mono before which time alone does not change what is promised."""
        ends = [self.leases.highest_until(), self._spoke + self._silence]
        if self._foreign:
            ends.append(self._foreign_until)
        if self._past:
            ends.append(self._past[0][0])
        return min([end for end in ends if end > now], default=math.inf)

    def _signalled(self, now: float) -> int:
        placement = self._placement
        if placement.has_deadman and now >= self._spoke + self._silence:
            return 0  # a signal above the lapse current needs a grant: those since then are counted by themselves
        if self.signalled_ma is None or self.holds_unknown(now):
            return placement.maximum_ma  # nothing is known of it: it may hold any grant of an earlier coordinator
        past = self._past
        while past and past[0][0] <= now:
            gone = past.pop(0)
            if gone[1] >= self._gone[1] or gone[0] > self._gone[0] + FOLLOWED_SECONDS:
                self._gone = gone
        return max(self.signalled_ma, past[0][1]) if past else self.signalled_ma

    def on_phases(self, promised_ma: int, phases: Phases) -> PerPhase:
        """Committed mA per grid phase: what is promised, or measured (and a meter's step) where that is more."""
        counted = (promised_ma, phases, self.measured_ma, self.resolution_ma)
        if counted != self._counted:
            self._counted, self._counted_ma = counted, _at_least(on_phases(promised_ma, phases), *counted[2:])
        return self._counted_ma


def _at_least(promised: PerPhase, measured: PerPhase | None, step: int) -> PerPhase:
    if measured is None:
        return promised
    return (
        promised[0] if measured[0] <= promised[0] else measured[0] + step,
        promised[1] if measured[1] <= promised[1] else measured[1] + step,
        promised[2] if measured[2] <= promised[2] else measured[2] + step,
    )

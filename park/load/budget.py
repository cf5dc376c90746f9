"""The budget a group holds: on each phase a grant of the coordinator above, and what holds without one (B-084)."""

from __future__ import annotations

import math

from msgspec import Struct

from park.charging.lease import Lease, refusal, take
from park.load.group import GroupSettings, load_on
from park.model.electric import PHASE_NAMES, PerPhase, lowest
from park.model.grant import Grant

PHASES = range(len(PHASE_NAMES))


class _Holder(Struct, frozen=True):
    """One phase of the group as the holder of a grant."""

    name: str
    boot_id: str
    fallback_ma: int


class Budget:
    """What the group may take on each phase. Mutable, owned by the group's state.

    A grant that echoes a stamp of before `began` is not taken: what followed it was forgotten with the life before.
    """

    __slots__ = ("_began", "_leases", "_settings", "fallback_ma")

    def __init__(self, settings: GroupSettings, began: float) -> None:
        self._settings, self._began = settings, began
        self.fallback_ma = lowest(settings.fallback_ma, settings.counted_ma)
        self._leases = [Lease(lapse_ma=self.fallback_ma[phase]) for phase in PHASES]

    def place(self, phase: int, counted_ma: int) -> None:
        """The park above counts so much for the group on this phase while nothing is heard of it."""
        fallback = list(self.fallback_ma)
        fallback[phase] = min(self._settings.fallback_ma[phase], counted_ma)
        self.fallback_ma = (fallback[0], fallback[1], fallback[2])
        lease = self._leases[phase]
        lapse = fallback[phase] if lease.grant is None else min(lease.lapse_ma, fallback[phase])
        self._leases[phase] = Lease(lapse, lease.grant, lease.ends, lease.refused)

    def take(self, grant: Grant, mono: float) -> bool:
        """Whether it is taken: it is for a phase of this group, newer than what is held, and still runs."""
        for phase in PHASES:
            holder = _Holder(load_on(self._settings.name, phase), self._settings.boot_id, self.fallback_ma[phase])
            if grant.charge_point == holder.name:
                return self._take(phase, holder, grant, mono)
        return False

    def _take(self, phase: int, holder: _Holder, grant: Grant, mono: float) -> bool:
        lease = self._leases[phase]
        if grant.stamp.mono < self._began or refusal(lease, grant, holder, mono) is not None:
            return False
        self._leases[phase] = take(lease, grant, holder, mono)
        return True

    def allowed_ma(self, mono: float) -> PerPhase:
        """What the group may take now. Its lapse current counts above at any time, so it is never less."""
        one, two, three = [max(lease.allows(mono), lease.lapse_ma) for lease in self._leases]
        return (one, two, three)

    def lapse_ma(self) -> PerPhase:
        """What holds without a valid grant."""
        one, two, three = [lease.lapse_ma for lease in self._leases]
        return (one, two, three)

    def ends(self, mono: float) -> float:
        """Mono at which the first of what is above the lapse current ends; ∞: nothing is."""
        return min((lease.ends for lease in self._leases if lease.allows(mono) > lease.lapse_ma), default=math.inf)

    def heard(self, phase: int) -> bool:
        """A grant was taken since it began."""
        return self._leases[phase].grant is not None

    def fence(self, phase: int) -> tuple[int, int]:
        """(epoch, sequence) of the newest grant taken; (0, 0): none."""
        return self._leases[phase].fence

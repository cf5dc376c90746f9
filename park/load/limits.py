"""Limits of circuits and charge points from many sources: the smallest of all in force holds (B-262).

Validity is counted on the monotonic clock: no jump of the wall clock lengthens or ends it. Reductions act at once; what
an expiry sets free is raised in the ordinary way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.model.electric import HIGHEST_VOLTAGE_MV, PerPhase, Phases, lowest
from park.model.limit import EXPIRED, Limit, LimitKind

SOURCES = 5  # B-264: limits of one kind on one target; one more is refused
FREE_MA = 2**31 - 1  # mA: no limit

Key: TypeAlias = tuple[str, LimitKind, str]
"""Target, kind, source."""


def as_current_ma(watts: int, phases: int) -> int:
    """The current on each of 1 to 3 phases that surely is no more than so many watts on their sum, rounded down."""
    return watts * 1_000_000 // (HIGHEST_VOLTAGE_MV * phases)


class Validity(Enum):
    VALID = "valid"
    UNSURE = "unsure"  # the machine was restarted: it may have run out, so the smaller of it and what follows holds
    EXPIRED = "expired"  # it ran out, and what holds after it is in force


class HeldLimit(Struct, frozen=True):
    """A limit in force. `seconds`: its validity as given, None: until cleared. `until`: mono of its end.

    `after_ma`: what holds once it ran out, until it is set again or cleared; None: nothing.
    """

    limit: Limit
    until: float | None = None
    seconds: float | None = None
    after_ma: PerPhase | None = None
    validity: Validity = Validity.VALID

    @property
    def key(self) -> Key:
        return (self.limit.target, self.limit.kind, self.limit.source)

    @property
    def word(self) -> str:
        """Its name in `Reason.limit`."""
        return EXPIRED if self.validity is Validity.EXPIRED else self.limit.kind.value

    def watts(self) -> int | None:
        """Its W on the sum of the phases; None: no limit in watts."""
        return None if self.validity is Validity.EXPIRED else self.limit.limit_w

    def current_ma(self, phases: Phases = ()) -> PerPhase:
        """Its mA per grid phase; with the watts as a current on `phases`, without them as amperes alone."""
        after = (FREE_MA, FREE_MA, FREE_MA) if self.after_ma is None else self.after_ma
        if self.validity is Validity.EXPIRED:
            return after
        limit = self.limit
        current = (FREE_MA, FREE_MA, FREE_MA) if limit.limit_ma is None else limit.limit_ma
        if limit.limit_w is not None and phases:
            each = as_current_ma(limit.limit_w, len(phases))
            current = lowest(current, (each, each, each))
        return lowest(current, after) if self.validity is Validity.UNSURE else current


Binding: TypeAlias = tuple[HeldLimit | None, HeldLimit | None, HeldLimit | None]
"""The limit that binds on L1, L2, L3; None: the design."""
NOTHING_BINDS: Binding = (None, None, None)


def smallest(held: Sequence[HeldLimit], design_ma: PerPhase, phases: Phases = ()) -> tuple[PerPhase, Binding]:
    """What holds per phase, never above the design, and by which limit; of equal ones the first. `phases`: as above."""
    least, binding = list(design_ma), list(NOTHING_BINDS)
    for each in held:
        for phase, current in enumerate(each.current_ma(phases)):
            if current < least[phase]:
                least[phase], binding[phase] = current, each
    return (least[0], least[1], least[2]), (binding[0], binding[1], binding[2])


def smallest_watts(held: Sequence[HeldLimit], design_w: int | None) -> tuple[int | None, HeldLimit | None]:
    """What holds on the sum of the phases, None: no limit, and by which limit, None: the design."""
    least, by = design_w, None
    for each in held:
        watts = each.watts()
        if watts is not None and (least is None or watts < least):
            least, by = watts, each
    return least, by


class Limits:
    """All limits of a park. Mutable, owned by the coordinator's state.

    `after_ma`: by target, what holds once the limit of an energy manager ran out there; nothing where it is missing.
    """

    def __init__(self, after_ma: Mapping[str, PerPhase] | None = None) -> None:
        self._after_ma = after_ma or {}
        self._set: dict[str, dict[Key, HeldLimit]] = {}
        self._standing: dict[str, tuple[HeldLimit, ...]] = {}
        self._worked_out: dict[str, HeldLimit] = {}

    def at(self, target: str) -> tuple[HeldLimit, ...]:
        """What is in force there, the highest priority first."""
        found = [*self._set.get(target, {}).values(), *self._standing.get(target, ())]
        if target in self._worked_out:
            found.append(self._worked_out[target])
        return tuple(sorted(found, key=lambda each: (-each.limit.priority, each.word, each.limit.source)))

    def everything(self) -> Iterator[HeldLimit]:
        """All in force, by target."""
        for target in sorted({*self._set, *self._standing, *self._worked_out}):
            yield from self.at(target)

    def has_room(self, limit: Limit) -> bool:
        """Whether this source has a limit there, or may have one more (B-264)."""
        there = self._set.get(limit.target, {})
        others = [kind for _, kind, _ in there if kind is limit.kind]
        return len(others) < SOURCES or (limit.target, limit.kind, limit.source) in there

    def set(self, limit: Limit, seconds: float | None, now: float) -> HeldLimit:
        """Replaces the limit of that name."""
        until = None if seconds is None else now + seconds
        return self.restore(HeldLimit(limit, until, seconds, self._after(limit)))

    def restore(self, held: HeldLimit) -> HeldLimit:
        """Takes it as it was kept, with what holds after it by today's configuration."""
        held = replace(held, after_ma=self._after(held.limit))
        self._set.setdefault(held.limit.target, {})[held.key] = held
        return held

    def knows(self, key: Key) -> bool:
        return key in self._set.get(key[0], {})

    def clear(self, key: Key) -> bool:
        """False: there is none of that name."""
        return self._set.get(key[0], {}).pop(key, None) is not None

    def expire(self, now: float) -> tuple[tuple[HeldLimit, ...], tuple[HeldLimit, ...]]:
        """End what ran out: (those that are gone, those after which something else holds)."""
        over = [
            each
            for there in self._set.values()
            for each in there.values()
            if each.until is not None and now >= each.until and each.validity is not Validity.EXPIRED
        ]
        gone = tuple(each for each in over if each.after_ma is None)
        for each in gone:
            self.clear(each.key)
        replaced = tuple(replace(each, validity=Validity.EXPIRED) for each in over if each.after_ma is not None)
        for each in replaced:
            self._set[each.limit.target][each.key] = each
        return gone, replaced

    def next_end(self) -> float:
        """Mono at which the next limit runs out."""
        ends = (
            each.until
            for there in self._set.values()
            for each in there.values()
            if each.until is not None and each.validity is not Validity.EXPIRED
        )
        return min(ends, default=math.inf)

    def stand(self, limits: Iterable[Limit]) -> frozenset[str]:
        """Time tables and inputs ask for these, and nothing else, from now on. The targets where that is a change."""
        standing: dict[str, tuple[HeldLimit, ...]] = {}
        for limit in limits:
            standing[limit.target] = (*standing.get(limit.target, ()), HeldLimit(limit))
        changed = {
            target
            for target in {*standing, *self._standing}
            if standing.get(target, ()) != self._standing.get(target, ())
        }
        self._standing = standing
        return frozenset(changed)

    def work_out(self, target: str, limit: Limit | None) -> bool:
        """The load management asks for this one by itself, None: for nothing. True: that is a change."""
        held = None if limit is None else HeldLimit(limit)
        if held == self._worked_out.get(target):
            return False
        if held is None:
            del self._worked_out[target]
        else:
            self._worked_out[target] = held
        return True

    def worked_out(self, target: str) -> Limit | None:
        held = self._worked_out.get(target)
        return None if held is None else held.limit

    def _after(self, limit: Limit) -> PerPhase | None:
        return self._after_ma.get(limit.target) if limit.kind is LimitKind.ENERGY_MANAGER else None

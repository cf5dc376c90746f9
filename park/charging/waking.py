"""A vehicle that sleeps while current is offered: it is woken once, by 0 V on the pilot (B-281)."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from park.charging.signalling import RAISE_INTERVAL_SECONDS

ZERO_SECONDS = RAISE_INTERVAL_SECONDS  # ISO 15118-3, T_step_EF: state E for 4 s at least; the offer is back no sooner


class Waking(Struct, frozen=True):
    """`since`: mono since when current is offered, None: none is. `done`: it was woken, or needs no waking any more.

    `ends`: mono until which the pilot shows 0 V.
    """

    since: float | None = None
    done: bool = False
    ends: float = -math.inf

    def shows_zero(self, mono: float) -> bool:
        return mono < self.ends


RESTING = Waking()


def settle(waking: Waking, *, offered: bool, ready: bool, patience: float, mono: float) -> Waking:
    """Next state. `offered`: a vehicle is there that could have current now. `patience`: seconds, 0: let it sleep.

    Who was ready once since the offer began is awake: a vehicle that is full is left alone.
    """
    if not patience or not offered:
        return RESTING
    if waking.shows_zero(mono):
        return waking
    if waking.since is None:
        return Waking(mono, done=ready)
    if ready:
        return waking if waking.done else replace(waking, done=True)
    if waking.done or mono < waking.since + patience:
        return waking
    return replace(waking, done=True, ends=mono + ZERO_SECONDS)


def deadlines(waking: Waking, patience: float) -> tuple[float, ...]:
    """When 0 V are to be shown, and when they are over."""
    since = waking.since
    return (math.inf if since is None or waking.done else since + patience, waking.ends)

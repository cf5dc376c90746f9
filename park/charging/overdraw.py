"""A vehicle that does not follow the control pilot: when to pause it, when to try again (safety §3, B-345)."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

REACTION_SECONDS = 5.0  # IEC 61851-1 A.5.3: a vehicle follows a new duty cycle within 5 s
TOLERANCE_PERCENT = 110  # safety: signalled × 1.10
TOLERANCE_MA = 500  # … + 0.5 A
PATIENCE_SECONDS = 7.0  # safety: above that for 7 s
RESTART_SECONDS = 60.0  # B-345: charging restarts after one minute
TRIPS_ALLOWED = 1  # B-345: the second over-current sets an error


class Overdraw(Struct, frozen=True):
    """`earlier`: higher offers before, each (mono until which it may still be drawn, mA).

    `above_since`: mono of the first reading too high. `trips`: since plug-in.
    `paused_until`: after a trip, +inf once there is no further try before the vehicle is unplugged.
    """

    offered_ma: int = 0
    earlier: tuple[tuple[float, int], ...] = ()
    above_since: float | None = None
    trips: int = 0
    paused_until: float = -math.inf

    def paused(self, mono: float) -> bool:
        return mono < self.paused_until


def offered(overdraw: Overdraw, offered_ma: int, mono: float) -> Overdraw:
    """A new current was signalled: the higher one before may be drawn for the reaction time."""
    if offered_ma == overdraw.offered_ma:
        return overdraw
    earlier = tuple(entry for entry in overdraw.earlier if entry[0] > mono)
    if offered_ma < overdraw.offered_ma:
        earlier = (*earlier, (mono + REACTION_SECONDS, overdraw.offered_ma))
    return replace(overdraw, offered_ma=offered_ma, earlier=earlier)


def tolerated_ma(overdraw: Overdraw, mono: float) -> int:
    """The most a phase may carry now without being counted as not following."""
    reference = overdraw.offered_ma
    for until, earlier_ma in overdraw.earlier:
        if until > mono:
            reference = max(reference, earlier_ma)
    return reference * TOLERANCE_PERCENT // 100 + TOLERANCE_MA


def measured(overdraw: Overdraw, highest_ma: int, mono: float) -> Overdraw:
    """A fresh reading: the highest phase current."""
    if highest_ma <= tolerated_ma(overdraw, mono):
        return overdraw if overdraw.above_since is None else replace(overdraw, above_since=None)
    return overdraw if overdraw.above_since is not None else replace(overdraw, above_since=mono)


def settle(overdraw: Overdraw, mono: float) -> Overdraw:
    """Trip when it lasted: pause one minute, the second time until the vehicle is unplugged.

    While paused nothing trips again: the pilot is steady and the contactor opens by its own rule.
    """
    since = overdraw.above_since
    if since is None or mono < since + PATIENCE_SECONDS or overdraw.paused(mono):
        return overdraw
    trips = overdraw.trips + 1
    until = mono + RESTART_SECONDS if trips <= TRIPS_ALLOWED else math.inf
    return replace(overdraw, trips=trips, above_since=None, paused_until=until)


def forgiven(overdraw: Overdraw, mono: float) -> Overdraw:
    """The pause is over: the vehicle gets its next try."""
    if overdraw.paused_until == -math.inf or overdraw.paused(mono):
        return overdraw
    return replace(overdraw, paused_until=-math.inf)


def unplugged(overdraw: Overdraw) -> Overdraw:
    """Another vehicle is judged anew."""
    if overdraw.trips == 0 and overdraw.above_since is None:
        return overdraw
    return Overdraw(offered_ma=overdraw.offered_ma, earlier=overdraw.earlier)


def deadlines(overdraw: Overdraw) -> tuple[float, ...]:
    """When it may trip, and when a pause ends."""
    since = overdraw.above_since
    return (overdraw.paused_until, math.inf if since is None else since + PATIENCE_SECONDS)

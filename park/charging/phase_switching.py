"""From three phases to one and back while a vehicle is plugged in: two contactors, in order, with a pause between.

The primary contactor carries L1 (and neutral), the secondary one L2 and L3. The secondary one moves only while the
primary one is open, so it never breaks or makes a current (B-286). A switch takes all phases off, waits, and offers the
new number (B-289); the vehicle pauses meanwhile and goes on by itself, or not: nothing wakes it (B-290, B-291). Where
everything was off for that long already, as before a session, nobody waits.

What flows is never on a phase nobody granted: `counted` says how many phases to count, more of them at once, fewer only
when the contactor's feedback says that it is open; no more are offered than are granted.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.charging.contactor import FEEDBACK_SECONDS, OPEN_AFTER_SECONDS, REPAIRED_SECONDS, REST_SECONDS
from park.model.evse import Pole

ONE, THREE = 1, 3  # B-287: other numbers are ignored
SHORTEST_PAUSE, LONGEST_PAUSE, USUAL_PAUSE = 10.0, 300.0, 20.0  # s, B-288


class PhasesGranted(Struct, frozen=True):
    """So many phases may carry current by the grant in force, and are wanted."""

    count: int


class PauseSet(Struct, frozen=True):
    """Seconds between the first contactor off and the pilot's duty back."""

    seconds: float


class Permitted(Struct, frozen=True):
    """Whether the vehicle may have power: it is in state C, and nothing forbids it."""

    power: bool


class PolesSeen(Struct, frozen=True):
    """The feedback contacts."""

    primary: bool
    secondary: bool


OFF = PolesSeen(primary=False, secondary=False)


class TimePassed(Struct, frozen=True):
    pass


SwitchEvent: TypeAlias = PhasesGranted | PauseSet | Permitted | PolesSeen | TimePassed


class SetPole(Struct, frozen=True):
    pole: Pole
    closed: bool


class OfferPhases(Struct, frozen=True):
    """The pilot may offer current on so many phases; 0: it offers none (duty 100 %)."""

    count: int


class PoleStuck(Struct, frozen=True):
    """The pole does not do what it was told: nothing is offered until it does."""

    pole: Pole


class LookAt(Struct, frozen=True):
    """Tell `TimePassed` at this mono."""

    mono: float


SwitchEffect: TypeAlias = SetPole | OfferPhases | PoleStuck | LookAt
Effects: TypeAlias = tuple[SwitchEffect, ...]


class PhaseSwitch(Struct, frozen=True):
    """`count`: phases offered, or offered last. `wanted`: those to come. All times are monotonic seconds.

    `stopping_since`: the pilot is at 100 % and the vehicle is to let go. `off_since`: all phases are on their way off.
    `told`, `seen`: the poles by command and by feedback. `mismatch_at`: since when they differ. `stuck`: they did for
    too long. `agreed_at`: since when they agree again. `quiet_since`: all poles are open and told so, None: not all.
    `opened_at`: when the primary pole was told to open last.
    """

    count: int = THREE
    wanted: int = THREE
    pause_seconds: float = USUAL_PAUSE
    permitted: bool = False
    stopping_since: float | None = None
    off_since: float | None = None
    told: PolesSeen = OFF
    seen: PolesSeen = OFF
    mismatch_at: float | None = None
    agreed_at: float | None = None
    stuck: Pole | None = None
    quiet_since: float | None = None
    opened_at: float = -math.inf

    @property
    def offers(self) -> bool:
        """Current may be offered."""
        return self.stuck is None and not self.pausing

    @property
    def pausing(self) -> bool:
        return self.stopping_since is not None or self.off_since is not None

    @property
    def actual(self) -> int:
        """B-287: phases that carry voltage now: 0, 1 or 3."""
        return 0 if not self.seen.primary else THREE if self.seen.secondary else ONE

    @property
    def counted(self) -> int:
        """Phases the load management has to count: none of the others can carry current."""
        may_be_on = self.seen.secondary or self.told.secondary
        return THREE if may_be_on or (self.count == THREE and not self.pausing) else ONE

    @property
    def promised(self) -> int:
        """Phases that may carry current now, or will once the pause is over: the most until another grant is taken."""
        return max(self.counted, self.wanted)


def adopted(state: PhaseSwitch, seen: PolesSeen, now: float) -> PhaseSwitch:
    """First feedback after a start or a broken link: what is closed is ours to open, and open poles are one phase.

    So a start never makes three phases of one: only a grant does.
    """
    count = THREE if seen.secondary else ONE
    return PhaseSwitch(
        count=count,
        wanted=count,
        pause_seconds=state.pause_seconds,
        permitted=seen.primary,
        told=seen,
        seen=seen,
        stuck=state.stuck,
        agreed_at=None if state.stuck is None else now,
        quiet_since=now if seen == OFF else None,
        opened_at=state.opened_at if seen.primary else now,
    )


def settle(
    state: PhaseSwitch, *, wanted: int, permitted: bool, seen: PolesSeen, now: float
) -> tuple[PhaseSwitch, Effects]:
    """Bring everything up to these levels; the very same state where nothing changes."""
    before = state
    if wanted not in {ONE, THREE}:
        wanted = state.wanted
    state, effects = _settled(replace(state, wanted=wanted, permitted=permitted, seen=seen), now)
    return (before if state == before else state), effects


def step(state: PhaseSwitch, event: SwitchEvent, now: float) -> tuple[PhaseSwitch, Effects]:
    """Take in one event. Numbers of phases and pauses that cannot be are ignored (B-287, B-288)."""
    match event:
        case PhasesGranted(count) if count in {ONE, THREE}:
            state = replace(state, wanted=count)
        case PauseSet(seconds) if SHORTEST_PAUSE <= seconds <= LONGEST_PAUSE:
            state = replace(state, pause_seconds=seconds)
        case Permitted(power):
            state = replace(state, permitted=power)
        case PolesSeen():
            state = replace(state, seen=event)
        case _:
            pass
    return _settled(state, now)


def _settled(state: PhaseSwitch, now: float) -> tuple[PhaseSwitch, Effects]:
    state, judged = _judged(state, now)
    state, offered = _offered(_quiet(state, now), now)
    state, moved = _moved(state, now)
    state = _quiet(state, now)
    due = next_due(state)
    return state, (*judged, *offered, *moved, *((LookAt(due),) if now < due < math.inf else ()))


def _quiet(state: PhaseSwitch, now: float) -> PhaseSwitch:
    quiet = state.told == state.seen == OFF and state.stuck is None
    if quiet is (state.quiet_since is not None):
        return state
    return replace(state, quiet_since=now if quiet else None)


def _judged(state: PhaseSwitch, now: float) -> tuple[PhaseSwitch, Effects]:
    """Whether the poles do what they are told; one that did not is trusted again after a while."""
    if state.seen == state.told:
        agreed = now if state.agreed_at is None else state.agreed_at
        repaired = now >= agreed + REPAIRED_SECONDS
        return replace(state, mismatch_at=None, agreed_at=agreed, stuck=None if repaired else state.stuck), ()
    since = now if state.mismatch_at is None else state.mismatch_at
    state = replace(state, mismatch_at=since, agreed_at=None)
    if state.stuck is not None or now < since + FEEDBACK_SECONDS:
        return state, ()
    pole = Pole.PRIMARY if state.seen.primary != state.told.primary else Pole.SECONDARY
    offers = () if state.pausing else (OfferPhases(0),)
    paused = replace(
        state, stuck=pole, stopping_since=None, off_since=now if state.off_since is None else state.off_since
    )
    return paused, (PoleStuck(pole), *offers)


def _offered(state: PhaseSwitch, now: float) -> tuple[PhaseSwitch, Effects]:
    """What the pilot may offer: nothing from the wish for another number on, until all was off for the pause."""
    effects: list[SwitchEffect] = []
    if state.wanted != state.count and not state.pausing:
        quiet = state.quiet_since
        state = replace(state, stopping_since=now) if quiet is None else replace(state, off_since=quiet)
        effects.append(OfferPhases(0))
    if state.stopping_since is not None and _let_go(state, now):
        state = replace(state, stopping_since=None, off_since=now)
    if state.off_since is not None and now >= state.off_since + state.pause_seconds and _all_off(state):
        state = replace(state, count=state.wanted, off_since=None)
        effects.append(OfferPhases(state.count))
    return state, tuple(effects)


def _let_go(state: PhaseSwitch, now: float) -> bool:
    """The vehicle left state C, or had its time to."""
    return not state.permitted or now >= (state.stopping_since or 0.0) + OPEN_AFTER_SECONDS


def _all_off(state: PhaseSwitch) -> bool:
    return state.stuck is None and state.told == state.seen == OFF


def _moved(state: PhaseSwitch, now: float) -> tuple[PhaseSwitch, Effects]:
    """The next pole, one at a time: on secondary, primary; off primary, secondary (B-286)."""
    on = state.permitted and state.off_since is None and state.stuck is None
    secondary = on and state.count == THREE
    may_close = state.stopping_since is None and now >= state.opened_at + REST_SECONDS
    ready = on and (state.told.primary or may_close)
    told = replace(state.told, primary=ready and state.seen.secondary == state.told.secondary == secondary)
    if not (told.primary or state.told.primary or state.seen.primary):
        told = replace(told, secondary=secondary)
    if told == state.told:
        return state, ()
    agrees = told == state.seen
    state, before = replace(state, told=told, mismatch_at=None if agrees else now, agreed_at=None), state.told
    if before.primary and not told.primary:
        state = replace(state, opened_at=now)
    moves = ((Pole.PRIMARY, told.primary, before.primary), (Pole.SECONDARY, told.secondary, before.secondary))
    return state, tuple(SetPole(pole, new) for pole, new, old in moves if new != old)


def next_due(state: PhaseSwitch) -> float:
    """When time alone changes something; +inf: never."""
    due = [math.inf]
    if state.stopping_since is not None:
        due.append(state.stopping_since + OPEN_AFTER_SECONDS)
    if state.off_since is not None and state.stuck is None:
        due.append(state.off_since + state.pause_seconds)
    if state.mismatch_at is not None and state.stuck is None:
        due.append(state.mismatch_at + FEEDBACK_SECONDS)
    if state.permitted and not state.told.primary:
        due.append(state.opened_at + REST_SECONDS)
    if state.stuck is not None and state.agreed_at is not None:
        due.append(state.agreed_at + REPAIRED_SECONDS)
    return min(due)

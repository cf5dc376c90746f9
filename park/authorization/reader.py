"""One card reader: a card held to it is one presentation, and its number one spelling."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from park.authorization.id_tags import normalised, same_tag
from park.model.access import CardPresented, Feedback, ReaderLost, ShowFeedback, TagRead
from park.model.signals import Start, Tick
from park.model.time import Now

DEBOUNCE_SECONDS = 2.0  # readers repeat a card several times a second while it lies on them
REBOOT_SECONDS = 30.0  # B-045
DEFAULTS_SECONDS = 120.0  # B-046


class ServiceTags(Struct, frozen=True):
    """Cards that charge nothing: held to the reader long enough, one restarts the board, others restore its settings.

    Empty: there is none.
    """

    reboot: str = ""
    defaults: tuple[str, ...] = ()

    def of(self, id_tag: str) -> float | None:
        """How long (s) this tag has to be held; None: it is an ordinary card."""
        if self.reboot and same_tag(self.reboot, id_tag):
            return REBOOT_SECONDS
        return DEFAULTS_SECONDS if any(same_tag(tag, id_tag) for tag in self.defaults) else None


class RebootWanted(Struct, frozen=True):
    """Effect: start this board again."""


class DefaultsWanted(Struct, frozen=True):
    """Effect: every configuration key is again what the operator's file says."""


ReaderEvent: TypeAlias = Start | Tick | TagRead | ReaderLost | ShowFeedback
ReaderEffect: TypeAlias = CardPresented | ShowFeedback | RebootWanted | DefaultsWanted


class Reader(Struct, frozen=True):
    """`last_tag`, `last_read`: newest card as read, and when (mono). `lost`: why no card can be read; None: works.

    `held_since`: mono at which the newest card came. `obeyed`: it is a service tag and was held long enough.
    """

    name: str
    service: ServiceTags = ServiceTags()
    last_tag: str | None = None
    last_read: float = float("-inf")
    lost: str | None = None
    held_since: float = 0.0
    obeyed: bool = False


def step(state: Reader, event: ReaderEvent, now: Now) -> tuple[Reader, tuple[ReaderEffect, ...]]:
    """`CardPresented` goes to the authorizer, `ShowFeedback` to the reader's edge.

    A card that stays on the reader does not present itself again: each read within the debounce time renews it. A
    number that is no id tag is refused on the spot.
    """
    match event:
        case TagRead():
            return _read(state, event.id_tag, now.mono)
        case ReaderLost():
            return replace(state, lost=event.reason), ()
        case ShowFeedback():
            return state, (event,)
        case Start() | Tick():
            return state, ()
        case _:
            assert_never(event)


def _read(state: Reader, uid: str, mono: float) -> tuple[Reader, tuple[ReaderEffect, ...]]:
    repeated = uid == state.last_tag and mono - state.last_read < DEBOUNCE_SECONDS
    state = replace(state, last_tag=uid, last_read=mono, lost=None)
    if not repeated:
        state = replace(state, held_since=mono, obeyed=False)
    id_tag = normalised(uid)
    seconds = None if id_tag is None else state.service.of(id_tag)
    if seconds is not None:
        return _served(state, seconds, mono, repeated=repeated)
    if repeated:
        return state, ()
    if id_tag is None:
        return state, (ShowFeedback(state.name, Feedback.REFUSED),)
    return state, (CardPresented(state.name, id_tag),)


def _served(state: Reader, seconds: float, mono: float, *, repeated: bool) -> tuple[Reader, tuple[ReaderEffect, ...]]:
    """A service tag, which is no card: what it stands for happens once, when it was held so long (B-045, B-046)."""
    if not repeated:
        return state, (ShowFeedback(state.name, Feedback.WAIT),)
    if state.obeyed or mono - state.held_since < seconds:
        return state, ()
    wanted = RebootWanted() if seconds == REBOOT_SECONDS else DefaultsWanted()
    return replace(state, obeyed=True), (wanted, ShowFeedback(state.name, Feedback.ACCEPTED))

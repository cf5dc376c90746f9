"""One card reader: a card held to it is one presentation, and its number one spelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

from park.authorization.id_tags import normalised
from park.model.access import CardPresented, Feedback, ReaderLost, ShowFeedback, TagRead
from park.model.signals import Start, Tick
from park.model.time import Now

DEBOUNCE_SECONDS = 2.0  # readers repeat a card several times a second while it lies on them

ReaderEvent: TypeAlias = Start | Tick | TagRead | ReaderLost | ShowFeedback
ReaderEffect: TypeAlias = CardPresented | ShowFeedback


@dataclass(frozen=True, slots=True)
class Reader:
    """`last_tag`, `last_read`: newest card as read, and when (mono). `lost`: why no card can be read; None: works."""

    name: str
    last_tag: str | None = None
    last_read: float = float("-inf")
    lost: str | None = None


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
    if repeated:
        return state, ()
    id_tag = normalised(uid)
    if id_tag is None:
        return state, (ShowFeedback(state.name, Feedback.REFUSED),)
    return state, (CardPresented(state.name, id_tag),)

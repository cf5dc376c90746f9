"""A card at a reader: which charge point it is meant for, and what becomes of it when no vehicle is there yet."""

from __future__ import annotations

from msgspec.structs import replace

from park.authorization import groups, readers, reserved, routing, teaching
from park.authorization.deciding import (
    SAME_PRESENTATION_SECONDS,
    decided,
    granted,
    is_hopeless,
    obeyed,
    show,
    spoken_for,
)
from park.authorization.id_tags import lettered, same_tag
from park.authorization.settings import Mode, OfflineRule, ReaderSettings
from park.authorization.state import Authorizer, Claim, Effects, Question, Remembered, Stepped
from park.model.access import CardPresented, Feedback, OccupancyChanged, StopSession
from park.model.session import StopReason
from park.model.signals import WakeAt
from park.model.time import Now

MOST_REMEMBERED = 32  # design: cards that wait at once; more are ignored, so that memory stays bounded


def presented(state: Authorizer, card: CardPresented, now: Now) -> Stepped:
    """Take a card; each presentation is answered once and for all, `WAIT` aside, at the reader it was shown at."""
    card = replace(card, id_tag=lettered(card.id_tag, state.settings.letter_case))
    reader = readers.named(state, card.reader)
    if reader is None:  # another board's may wait for an answer; of this board there is none to be told
        return state, show((card.reader,) if "/" in card.reader else (), Feedback.IGNORED)
    if teaching.is_lesson(state, card.reader, now):
        return teaching.taught_at(state, card, now)
    for question in state.questions:
        if _is_about(question, reader, card.id_tag):
            return _joined(state, question, card)
    for done in state.obeyed:
        recent = now.mono - done.mono < SAME_PRESENTATION_SECONDS
        if recent and same_tag(card.id_tag, done.id_tag) and readers.serves(reader, done.charge_point):
            return state, show((reader.name,), Feedback.ACCEPTED)
    return _routed(state, reader, card.id_tag, now)


def occupied(state: Authorizer, point: OccupancyChanged, now: Now) -> Stepped:
    """A charge point reports itself; in free mode a vehicle that waits charges (B-053)."""
    state = reserved.used_up(state, point)
    state = replace(state, occupancies={**state.occupancies, point.charge_point: point})
    return let_in(state, now, (point,))


def let_in(state: Authorizer, now: Now, points: tuple[OccupancyChanged, ...]) -> Stepped:
    """In free mode, and without the backend where the offline rule says so, the vehicles that wait here (B-051)."""
    effects: Effects = ()
    if not (state.settings.mode is Mode.FREE or _free_offline(state)) or not state.decides:
        return state, effects
    for point in points:
        if routing.waits(point):
            claim = Claim(
                state.settings.tag_without_card(point.connector), point.charge_point, point.plugged_since, ordered=True
            )
            state, more = granted(state, claim, Mode.FREE.value, now)
            effects += more
    return state, effects


def _free_offline(state: Authorizer) -> bool:
    rule = state.settings.offline is OfflineRule.PLUGGED and state.lets_in_offline
    return rule and state.settings.mode is Mode.BACKEND and state.online is False


def handed_out(state: Authorizer, now: Now) -> Stepped:
    """Remembered cards go to the vehicles that came, the first shown to the first plugged."""
    effects: Effects = ()
    for card in state.remembered:
        point = _first_plugged(state, card) if card.deadline > now.mono else None
        if point is not None:
            state = replace(state, remembered=tuple(each for each in state.remembered if each is not card))
            claim = Claim(card.id_tag, point.charge_point, point.plugged_since, card.readers)
            state, more = decided(state, claim, now)
            effects += more
    return state, effects


def forgotten(state: Authorizer, now: Now) -> Stepped:
    """No vehicle came in time (B-353): the readers say so."""
    late = [card for card in state.remembered if card.deadline <= now.mono]
    state = replace(state, remembered=tuple(card for card in state.remembered if card.deadline > now.mono))
    return state, tuple(each for card in late for each in show(card.readers, Feedback.IGNORED))


def _is_about(question: Question, reader: ReaderSettings, id_tag: str) -> bool:
    claim = question.claim
    here = reader.name in claim.readers or readers.serves(reader, claim.charge_point)
    return here and same_tag(id_tag, claim.id_tag)


def _joined(state: Authorizer, question: Question, card: CardPresented) -> Stepped:
    """The card is asked about already: what comes of it is shown here too."""
    state, earlier = _recalled(state, card.id_tag)
    claim = replace(question.claim, readers=_union(question.claim.readers, (card.reader,), earlier))
    questions = tuple(replace(each, claim=claim) if each is question else each for each in state.questions)
    return replace(state, questions=questions), show((card.reader,), Feedback.WAIT)


def _routed(state: Authorizer, reader: ReaderSettings, id_tag: str, now: Now) -> Stepped:
    route = routing.route(
        reader,
        readers.served(state, reader),
        id_tag,
        now.mono,
        shared=readers.is_shared(state, reader),
        spoken_for=spoken_for(state),
        may_stop=state.settings.stop_with_card,
    )
    free_for_all = state.settings.mode is Mode.FREE
    match route:
        case routing.Stop(point):
            stop = StopSession(point.charge_point, None, StopReason.LOCAL, id_tag)
            state, earlier = _recalled(state, id_tag)
            state = obeyed(state, id_tag, point.charge_point, now.mono)
            return state, (stop, *show(_union((reader.name,), earlier), Feedback.ACCEPTED))
        case routing.AlreadyTaken():
            state, earlier = _recalled(state, id_tag)
            return state, show(_union((reader.name,), earlier), Feedback.ACCEPTED)
        case routing.Start(point) if not free_for_all:
            state, earlier = _recalled(state, id_tag)
            shown_at = _union((reader.name,), earlier)
            return decided(state, Claim(id_tag, point.charge_point, point.plugged_since, shown_at), now)
        case routing.Remember() if not free_for_all:
            return _remembered(state, reader, id_tag, now)
        case routing.Unclear() if not free_for_all:
            return state, show((reader.name,), Feedback.UNCLEAR)
        case None if not free_for_all and (ended := groups.wished(state, reader, id_tag, now)) is not None:
            return ended
        case _:
            kept = any(reader.name in each.readers and same_tag(id_tag, each.id_tag) for each in state.remembered)
            return state, show((reader.name,), Feedback.WAIT if kept else Feedback.IGNORED)


def _remembered(state: Authorizer, reader: ReaderSettings, id_tag: str, now: Now) -> Stepped:
    state, earlier = _recalled(state, id_tag)
    shown_at = _union((reader.name,), earlier)
    if is_hopeless(state, id_tag, now):
        return state, show(shown_at, Feedback.REFUSED)
    if len(state.remembered) >= MOST_REMEMBERED:
        return state, show(shown_at, Feedback.IGNORED)
    deadline = now.mono + reader.remember_seconds
    card = Remembered(id_tag, shown_at, deadline)
    state = replace(state, remembered=(*state.remembered, card))
    return state, (*show((reader.name,), Feedback.WAIT), WakeAt(deadline))


def _recalled(state: Authorizer, id_tag: str) -> tuple[Authorizer, tuple[str, ...]]:
    """The state without this remembered card, and the readers that wait for what becomes of it."""
    if not state.remembered:
        return state, ()
    mine = [card for card in state.remembered if same_tag(id_tag, card.id_tag)]
    others = tuple(card for card in state.remembered if card not in mine)
    return replace(state, remembered=others), tuple(reader for card in mine for reader in card.readers)


def _first_plugged(state: Authorizer, card: Remembered) -> OccupancyChanged | None:
    if state.settings.mode is Mode.FREE:
        return None
    shown_at = [reader for name in card.readers if (reader := readers.named(state, name)) is not None]
    taken = spoken_for(state)
    waiting = [
        (point.plugged_since or 0.0, point.connector, point)
        for name, point in state.occupancies.items()
        if routing.waits(point) and name not in taken and any(readers.serves(reader, name) for reader in shown_at)
    ]
    return min(waiting, key=lambda each: each[:2])[2] if waiting else None


def _union(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))

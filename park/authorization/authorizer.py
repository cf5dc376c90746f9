"""The authorizer: routes cards to charge points, decides about id tags, asks the backend and does without it.

A tag known to be refused never starts (D4): one the whitelist blocks, and one the backend refused when it was last
asked. Only a newer word of the backend lifts its own refusal: an acceptance, or its order to start with that tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from park.authorization import refusals, routing
from park.authorization.id_tags import judged, same_tag
from park.authorization.refusals import KeepRefusals, LoadRefusals
from park.authorization.settings import EVERY_CHARGE_POINT, AuthorizerSettings, Mode, OfflineRule
from park.model.access import (
    Answer,
    AuthorizationGranted,
    AuthorizeWithBackend,
    BackendAuthorized,
    BackendOnline,
    CardPresented,
    CommandAnswer,
    Done,
    Feedback,
    OccupancyChanged,
    Refused,
    RemoteStart,
    ShowFeedback,
    StopSession,
    Undeliverable,
    Verdict,
)
from park.model.session import StopReason
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, RowsLoaded
from park.model.time import Now

AuthorizerEvent: TypeAlias = (
    Start
    | Tick
    | RowsLoaded
    | Committed
    | CommitFailed
    | CardPresented
    | OccupancyChanged
    | BackendAuthorized
    | BackendOnline
    | RemoteStart
    | CommandAnswer
)
AuthorizerEffect: TypeAlias = (
    AuthorizationGranted
    | StopSession
    | AuthorizeWithBackend
    | ShowFeedback
    | Answer
    | LoadRefusals
    | KeepRefusals
    | RepeatLevels
    | WakeAt
)
Stepped: TypeAlias = "tuple[Authorizer, tuple[AuthorizerEffect, ...]]"


@dataclass(frozen=True, slots=True)
class Claim:
    """An id tag that wants to charge at a charge point; `reader` None: ordered by the backend."""

    id_tag: str
    charge_point: str
    plugged_since: float | None
    reader: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A claim the backend is asked about, until `deadline` (mono)."""

    request_id: str
    claim: Claim
    deadline: float


@dataclass(frozen=True, slots=True)
class Authorizer:
    """`online` None: the backend's link is not known yet, so it is asked. `refused`: case-folded tags, newest last.

    `loaded`: the refusals of earlier runs are known; until then nobody unknown is accepted without the backend.
    """

    settings: AuthorizerSettings
    occupancies: Mapping[str, OccupancyChanged] = field(default_factory=dict[str, OccupancyChanged])
    questions: tuple[Question, ...] = ()
    online: bool | None = None
    refused: tuple[str, ...] = ()
    loaded: bool = True
    began: float = 0.0
    asked: int = 0


def step(state: Authorizer, event: AuthorizerEvent, now: Now) -> Stepped:
    """Take in one event; unknown readers, charge points and answers to nobody's question change nothing."""
    if isinstance(event, RowsLoaded):
        return replace(state, refused=refusals.merged(event.rows, state.refused), loaded=True), ()
    after, effects = _take(state, event, now)
    return after, (*effects, *refusals.changes(state.refused, after.refused))


def _take(state: Authorizer, event: AuthorizerEvent, now: Now) -> Stepped:
    match event:
        case CardPresented():
            return _presented(state, event, now)
        case OccupancyChanged():
            return _occupied(state, event)
        case BackendAuthorized():
            return _authorized(state, event, now)
        case BackendOnline():
            return _linked(state, event, now)
        case RemoteStart():
            return _ordered(state, event, now)
        case Start():
            return replace(state, began=now.mono, loaded=False), (RepeatLevels(), LoadRefusals())
        case Tick():
            return _ticked(state, now)
        case Refused() | Undeliverable():
            unanswered = tuple(each for each in state.questions if each.request_id == event.request_id)
            return _settled(state, now, unanswered)
        case Done() | RowsLoaded() | Committed() | CommitFailed():  # the journal alarms about a disk that refuses
            return state, ()
        case _:
            assert_never(event)


# ---------------------------------------------------------------- cards


def _presented(state: Authorizer, card: CardPresented, now: Now) -> Stepped:
    if all(each.name != card.reader for each in state.settings.readers):
        return state, ()
    if any(each.claim.reader == card.reader and same_tag(card.id_tag, each.claim.id_tag) for each in state.questions):
        return state, (ShowFeedback(card.reader, Feedback.WAIT),)
    route = routing.route(
        _served(state, card.reader),
        card.id_tag,
        now.mono,
        spoken_for=(each.claim.charge_point for each in state.questions),
        stop_with_card=state.settings.stop_with_card,
    )
    match route:
        case routing.Stop(point):
            stop = StopSession(point.charge_point, None, StopReason.LOCAL, card.id_tag)
            return state, (stop, ShowFeedback(card.reader, Feedback.ACCEPTED))
        case routing.AlreadyTaken():
            return state, (ShowFeedback(card.reader, Feedback.ACCEPTED),)
        case routing.Start(point) if state.settings.mode is not Mode.FREE:
            return _decided(state, Claim(card.id_tag, point.charge_point, point.plugged_since, card.reader), now)
        case _:
            return state, (ShowFeedback(card.reader, Feedback.IGNORED),)


def _served(state: Authorizer, reader: str) -> tuple[OccupancyChanged, ...]:
    for each in state.settings.readers:
        if each.name == reader:
            everything = EVERY_CHARGE_POINT in each.serves
            return tuple(point for name, point in state.occupancies.items() if everything or name in each.serves)
    return ()


# ---------------------------------------------------------------- decisions


def _decided(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    """Decide at once where that is possible, else ask the backend."""
    settings = state.settings
    listed = judged(settings.whitelist, claim.id_tag, now.wall)
    if listed is Verdict.BLOCKED:
        return state, _show(claim, Feedback.REFUSED)
    match settings.mode:
        case Mode.FREE:
            return _granted(state, claim, Mode.FREE.value)
        case Mode.WHITELIST:
            accepted = listed is Verdict.ACCEPTED
            return _granted(state, claim, Mode.WHITELIST.value) if accepted else (state, _show(claim, Feedback.REFUSED))
        case Mode.BACKEND:
            return _offline(state, claim, now) if state.online is False else _asked(state, claim, now)
        case _:
            assert_never(settings.mode)


def _asked(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    request_id = f"authorize-{int(state.began * 1000)}-{state.asked}"
    question = Question(request_id, claim, now.mono + state.settings.answer_seconds)
    state = replace(state, questions=(*state.questions, question), asked=state.asked + 1)
    ask = AuthorizeWithBackend(request_id, claim.id_tag)
    return state, (ask, WakeAt(question.deadline), *_show(claim, Feedback.WAIT))


def _offline(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    """The backend has no word on it: the offline rule decides, but never for a tag known to be refused (B-115, D4)."""
    listed = judged(state.settings.whitelist, claim.id_tag, now.wall)
    unsure = not state.loaded and state.settings.mode is Mode.BACKEND
    known_bad = unsure or claim.id_tag.casefold() in state.refused or listed in {Verdict.BLOCKED, Verdict.EXPIRED}
    rule = state.settings.offline
    if known_bad or rule is OfflineRule.REFUSE or (rule is OfflineRule.WHITELIST and listed is None):
        return state, _show(claim, Feedback.REFUSED)
    return _granted(state, claim, Mode.WHITELIST.value if listed else "offline")


def _granted(
    state: Authorizer, claim: Claim, by: str, parent_tag: str | None = None, expiry: datetime | None = None
) -> Stepped:
    """Grant, unless the charge point is no longer what it was when the card was presented."""
    point = state.occupancies.get(claim.charge_point)
    vehicle_stayed = point is not None and claim.plugged_since in {None, point.plugged_since}
    if point is None or not vehicle_stayed or not routing.is_free(point):
        return state, _show(claim, Feedback.IGNORED)
    taken = replace(point, session_tag=claim.id_tag, waiting_for_card=False)  # until it reports itself
    state = replace(state, occupancies={**state.occupancies, claim.charge_point: taken})
    grant = AuthorizationGranted(claim.charge_point, claim.id_tag, by, parent_tag, expiry)
    return state, (grant, *_show(claim, Feedback.ACCEPTED))


def _show(claim: Claim, feedback: Feedback) -> tuple[ShowFeedback, ...]:
    return () if claim.reader is None else (ShowFeedback(claim.reader, feedback),)


def _occupied(state: Authorizer, point: OccupancyChanged) -> Stepped:
    state = replace(state, occupancies={**state.occupancies, point.charge_point: point})
    if state.settings.mode is Mode.FREE and point.plugged_since is not None and routing.is_free(point):
        claim = Claim(state.settings.free_tag, point.charge_point, point.plugged_since, None)
        return _granted(state, claim, Mode.FREE.value)
    return state, ()


# ---------------------------------------------------------------- the backend


def _authorized(state: Authorizer, answer: BackendAuthorized, now: Now) -> Stepped:
    state = _remembered(state, answer)
    for question in state.questions:
        if question.request_id == answer.request_id and same_tag(answer.id_tag, question.claim.id_tag):
            return _answered(state, question, answer, now)
    return state, ()


def _answered(state: Authorizer, question: Question, answer: BackendAuthorized, now: Now) -> Stepped:
    if answer.verdict is None:
        return _settled(state, now, (question,))
    state, claim = _without(state, question), question.claim
    if answer.verdict is not Verdict.ACCEPTED:
        return state, _show(claim, Feedback.REFUSED)
    return _granted(state, claim, _source(claim), answer.parent_tag, answer.expiry)


def _ticked(state: Authorizer, now: Now) -> Stepped:
    """Each tick asks for the next one: while it was pending, later ones were not taken."""
    state, effects = _settled(state, now, tuple(each for each in state.questions if each.deadline <= now.mono))
    nearest = min((question.deadline for question in state.questions), default=None)
    return (state, effects) if nearest is None else (state, (*effects, WakeAt(nearest)))


def _settled(state: Authorizer, now: Now, unanswered: tuple[Question, ...]) -> Stepped:
    """Questions that will not be answered: the offline rule decides about each."""
    effects: tuple[AuthorizerEffect, ...] = ()
    for question in unanswered:
        state, more = _offline(_without(state, question), question.claim, now)
        effects += more
    return state, effects


def _linked(state: Authorizer, link: BackendOnline, now: Now) -> Stepped:
    state = replace(state, online=link.online)
    return (state, ()) if link.online else _settled(state, now, state.questions)


def _remembered(state: Authorizer, answer: BackendAuthorized) -> Authorizer:
    tag = answer.id_tag.casefold()
    match answer.verdict:
        case Verdict.BLOCKED | Verdict.EXPIRED | Verdict.INVALID:
            others = tuple(each for each in state.refused if each != tag)
            return replace(state, refused=(*others, tag)[-refusals.REMEMBERED :])
        case Verdict.ACCEPTED:
            return _forgiven(state, tag)
        case Verdict.CONCURRENT_TX | None:  # says nothing about the card itself
            return state
        case _:
            assert_never(answer.verdict)


def _forgiven(state: Authorizer, id_tag: str) -> Authorizer:
    tag = id_tag.casefold()
    return replace(state, refused=tuple(each for each in state.refused if each != tag))


def _without(state: Authorizer, question: Question) -> Authorizer:
    return replace(state, questions=tuple(each for each in state.questions if each is not question))


def _source(claim: Claim) -> str:
    return "remote" if claim.reader is None else Mode.BACKEND.value


# ---------------------------------------------------------------- remote start


def _ordered(state: Authorizer, order: RemoteStart, now: Now) -> Stepped:
    """Answer whether a start will be tried (OCPP 1.6 §5.11), then authorize first or start at once (B-050, B-116)."""
    point = _chosen(state, order, now)
    if isinstance(point, str):
        return state, (Answer(order.reply_to, Refused(order.request_id, point)),)
    if judged(state.settings.whitelist, order.id_tag, now.wall) is Verdict.BLOCKED:
        return state, (Answer(order.reply_to, Refused(order.request_id, "the whitelist blocks this id tag")),)
    claim = Claim(order.id_tag, point.charge_point, point.plugged_since, None)
    if order.authorize_first:
        state, effects = _decided(state, claim, now)
    else:
        state, effects = _granted(_forgiven(state, order.id_tag), claim, "remote")
    tried = any(isinstance(each, AuthorizationGranted | AuthorizeWithBackend) for each in effects)
    answer = Done(order.request_id) if tried else Refused(order.request_id, "this id tag may not charge here")
    return state, (Answer(order.reply_to, answer), *effects)


def _chosen(state: Authorizer, order: RemoteStart, now: Now) -> OccupancyChanged | str:
    """The charge point an order means, or why there is none."""
    spoken_for = {each.claim.charge_point for each in state.questions}
    points = [point for point in state.occupancies.values() if point.charge_point not in spoken_for]
    if order.connector is None:
        return routing.last_plugged(points, now.mono) or "no connector given, and no one vehicle it could be meant for"
    for point in state.occupancies.values():
        if point.connector == order.connector:
            if point not in points or not routing.is_free(point):
                return f"connector {order.connector} cannot take a session now"
            return point
    return f"there is no connector {order.connector}"

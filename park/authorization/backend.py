"""The backend's word on id tags, and its absence."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from park.authorization import caching, cards, groups, patience, refusals
from park.authorization.deciding import granted, settled, show, without
from park.authorization.id_tags import same_tag
from park.authorization.settings import Mode, OfflineRule
from park.authorization.state import Authorizer, Question, Stepped
from park.model.access import BackendAuthorized, BackendOnline, Feedback, Verdict
from park.model.time import Now


def authorized(state: Authorizer, answer: BackendAuthorized, now: Now) -> Stepped:
    state, learned = caching.learned(_learned(state, answer), answer, now)
    for question in state.questions:
        if question.request_id == answer.request_id and same_tag(answer.id_tag, question.claim.id_tag):
            state, effects = _answered(state, question, answer, now)
            return state, (*learned, *effects)
    return state, learned


def unanswered(state: Authorizer, request_id: str, now: Now) -> Stepped:
    return settled(state, now, tuple(each for each in state.questions if each.request_id == request_id))


def linked(state: Authorizer, link: BackendOnline, now: Now) -> Stepped:
    """Without the backend, questions under way are settled; a board left alone lets vehicles in by itself."""
    if link.online:
        return patience.met(state, now)
    if patience.waits(state, now):
        return patience.missed(state)
    before, state = state.decides, replace(state, online=False, away=False)
    state, effects = settled(state, now, state.questions)
    alone = state.settings.mode is Mode.BACKEND and state.settings.offline is OfflineRule.PLUGGED
    if (state.decides and not before) or alone:
        state, more = cards.let_in(state, now, tuple(state.occupancies.values()))
        effects += more
    return state, effects


def forgiven(state: Authorizer, id_tag: str) -> Authorizer:
    tag = id_tag.casefold()
    return replace(state, refused=tuple(each for each in state.refused if each != tag))


def _answered(state: Authorizer, question: Question, answer: BackendAuthorized, now: Now) -> Stepped:
    if answer.verdict is None:
        return settled(state, now, (question,))
    if question.claim.stops:
        return groups.answered(state, question, answer, now)
    state, claim = without(state, question), question.claim
    if answer.verdict is not Verdict.ACCEPTED:
        return state, show(claim.readers, Feedback.REFUSED)
    source = "remote" if claim.ordered else Mode.BACKEND.value
    return granted(state, claim, source, now, answer.parent_tag, answer.expiry)


def _learned(state: Authorizer, answer: BackendAuthorized) -> Authorizer:
    tag = answer.id_tag.casefold()
    match answer.verdict:
        case Verdict.BLOCKED | Verdict.EXPIRED | Verdict.INVALID:
            others = tuple(each for each in state.refused if each != tag)
            return replace(state, refused=(*others, tag)[-refusals.REMEMBERED :])
        case Verdict.ACCEPTED:
            return forgiven(state, tag) if tag in state.refused else state
        case Verdict.CONCURRENT_TX | None:  # says nothing about the card itself
            return state
        case _:
            assert_never(answer.verdict)

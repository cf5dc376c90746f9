"""From a claim to a verdict: at once where that is possible, else by the backend, else by the offline rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from park.authorization import listing, patience, reserved, routing
from park.authorization.cached import verdict_of
from park.authorization.id_tags import judged
from park.authorization.settings import Mode, OfflineRule
from park.authorization.state import (
    Authorizer,
    Claim,
    Effects,
    Obeyed,
    Question,
    Stepped,
    known_tags,
    same_vehicle,
)
from park.model.access import AuthorizationGranted, AuthorizeWithBackend, Feedback, ShowFeedback, Verdict
from park.model.signals import WakeAt
from park.model.time import Now

SAME_PRESENTATION_SECONDS = 1.0  # design: so long one card at two readers of a charge point is one wish


def decided(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    """Decide at once where that is possible, else ask the backend."""
    listed = known(state, claim.id_tag, now)
    access = reserved.access(state, claim.charge_point, claim.id_tag, parent_of(state, claim.id_tag), now.wall)
    if _is_blocked(state, claim.id_tag, now) or not (access.allowed or access.asks):
        return state, show(claim.readers, Feedback.REFUSED)
    mode = state.settings.mode
    match mode:
        case Mode.FREE:
            return granted(state, claim, Mode.FREE.value, now)
        case Mode.WHITELIST if listed is Verdict.ACCEPTED and claim.vouched:
            return granted(state, claim, Mode.WHITELIST.value, now)
        case Mode.BACKEND if claim.vouched and _is_known_good(state, claim.id_tag, listed) and not access.asks:
            return granted(state, claim, source_of(state, claim.id_tag, now), now)
        case Mode.WHITELIST:
            return state, show(claim.readers, Feedback.REFUSED)
        case Mode.BACKEND:
            return offline(state, claim, now) if state.online is False else asked(state, claim, now)
        case _:
            assert_never(mode)


def known(state: Authorizer, id_tag: str, now: Now) -> Verdict | None:
    """What is known here of an id tag: by the whitelist, else, where the backend decides, by what it said before."""
    listed = judged(known_tags(state), id_tag, now.wall)
    if listed is not None or state.settings.mode is not Mode.BACKEND:
        return listed
    listed = listing.verdict_of(state, id_tag, now.wall)  # OCPP 1.6 §3.4.3: the list stands above the cache
    if listed is not None or not state.settings.cache:
        return listed
    return verdict_of(state.cache, id_tag, now.wall)


def source_of(state: Authorizer, id_tag: str, now: Now) -> str:
    """Who vouches for a card that is known here: the whitelist, the backend's list, or the cache."""
    if judged(known_tags(state), id_tag, now.wall) is Verdict.ACCEPTED:
        return Mode.WHITELIST.value
    return "list" if id_tag.casefold() in state.listed else "cache"


def _is_known_good(state: Authorizer, id_tag: str, listed: Verdict | None) -> bool:
    known_here = listed is Verdict.ACCEPTED and id_tag.casefold() not in state.refused
    return state.settings.pre_authorize and state.loaded and known_here


def _is_blocked(state: Authorizer, id_tag: str, now: Now) -> bool:
    """The whitelist blocks whoever is asked; of a tag the backend's list refuses the backend is asked while it can."""
    return judged(known_tags(state), id_tag, now.wall) is Verdict.BLOCKED


def parent_of(state: Authorizer, id_tag: str) -> str | None:
    """The group of a tag, as far as it is known here."""
    if id_tag.casefold() in state.listed:
        return listing.parent_of(state, id_tag)
    cached = state.cache.get(id_tag.casefold())
    return None if cached is None else cached.parent_tag


def is_hopeless(state: Authorizer, id_tag: str, now: Now) -> bool:
    """Whether this tag would be refused now without asking anybody."""
    listed = known(state, id_tag, now)
    if _is_blocked(state, id_tag, now):
        return True
    match state.settings.mode:
        case Mode.WHITELIST:
            return listed is not Verdict.ACCEPTED
        case Mode.BACKEND:
            return state.online is False and _refused_offline(state, id_tag, listed)
        case Mode.FREE:
            return False


def offline(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    """The backend has no word on it: the offline rule decides, but never for a tag known to be refused (B-115, D4)."""
    listed = known(state, claim.id_tag, now)
    if _refused_offline(state, claim.id_tag, listed) or not _may_contract(state, claim):
        return state, show(claim.readers, Feedback.REFUSED)
    return granted(state, claim, source_of(state, claim.id_tag, now) if listed else "offline", now)


def _may_contract(state: Authorizer, claim: Claim) -> bool:
    """A contract charges without the backend's word only where that is allowed, and when it was checked here."""
    return claim.contract is None or (claim.vouched and state.settings.contracts_offline)


def granted(
    state: Authorizer,
    claim: Claim,
    by: str,
    now: Now,
    parent_tag: str | None = None,
    expiry: datetime | None = None,
) -> Stepped:
    """Grant, unless the charge point is no longer what it was when the card was presented."""
    point = state.occupancies.get(claim.charge_point)
    came = claim.plugged_since is None
    if (
        point is None
        or not routing.is_free(point)
        or not (came or same_vehicle(claim.plugged_since, point.plugged_since))
    ):
        return state, show(claim.readers, Feedback.IGNORED)
    parent = parent_tag or parent_of(state, claim.id_tag)
    access = reserved.access(state, claim.charge_point, claim.id_tag, parent, now.wall)
    if not access.allowed:
        return state, show(claim.readers, Feedback.REFUSED)
    taken = replace(point, session_tag=claim.id_tag, waiting_for_card=False)  # until it reports itself
    state = replace(state, occupancies={**state.occupancies, claim.charge_point: taken})
    state = reserved.claimed(
        joined(state, claim.charge_point, claim.id_tag, parent), claim.charge_point, access.reservation
    )
    state = state if claim.ordered else obeyed(state, claim.id_tag, claim.charge_point, now.mono)
    grant = AuthorizationGranted(claim.charge_point, claim.id_tag, by, parent_tag, expiry, access.reservation)
    return state, (grant, *show(claim.readers, Feedback.ACCEPTED))


def obeyed(state: Authorizer, id_tag: str, charge_point: str, mono: float) -> Authorizer:
    """Remember for a moment what a card did."""
    recent = tuple(each for each in state.obeyed if mono - each.mono < SAME_PRESENTATION_SECONDS)
    return replace(state, obeyed=(*recent, Obeyed(id_tag, charge_point, mono)))


def joined(state: Authorizer, charge_point: str, id_tag: str, parent: str | None) -> Authorizer:
    """A tag may charge here: remember its group."""
    if parent is None and charge_point not in state.groups:
        return state
    others = {name: group for name, group in state.groups.items() if name != charge_point}
    return replace(state, groups=others if parent is None else {**others, charge_point: (id_tag, parent)})


def settled(state: Authorizer, now: Now, unanswered: Iterable[Question]) -> Stepped:
    """Questions that will not be answered: the offline rule decides about each."""
    effects: Effects = ()
    for question in unanswered:
        state, more = _unanswered(without(state, question), question.claim, now)
        effects += more
    return state, effects


def _unanswered(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    if claim.stops:  # nobody knows its group
        return state, show(claim.readers, Feedback.IGNORED)
    return offline(state, claim, now)


def without(state: Authorizer, question: Question) -> Authorizer:
    return replace(state, questions=tuple(each for each in state.questions if each is not question))


def spoken_for(state: Authorizer) -> frozenset[str]:
    """Charge points with a question under way."""
    return frozenset(each.claim.charge_point for each in state.questions)


def show(readers: Iterable[str], feedback: Feedback) -> tuple[ShowFeedback, ...]:
    return tuple(ShowFeedback(reader, feedback) for reader in readers)


def asked(state: Authorizer, claim: Claim, now: Now) -> Stepped:
    request_id = f"authorize-{int(state.began * 1000)}-{state.asked}"
    held = patience.waits(state, now)
    deadline = patience.ends(state) if held else now.mono + state.settings.answer_seconds
    question = Question(request_id, claim, deadline, held)
    state = replace(state, questions=(*state.questions, question), asked=state.asked + 1)
    asks = () if held else (AuthorizeWithBackend(request_id, claim.id_tag, claim.contract),)
    return state, (*asks, WakeAt(deadline), *show(claim.readers, Feedback.WAIT))


def _refused_offline(state: Authorizer, id_tag: str, listed: Verdict | None) -> bool:
    unsure = not state.loaded and state.settings.mode is Mode.BACKEND
    if not state.lets_in_offline:
        return True
    if unsure or id_tag.casefold() in state.refused or listed not in {None, Verdict.ACCEPTED}:
        return True
    rule = state.settings.offline
    return rule is OfflineRule.REFUSE or (rule is OfflineRule.WHITELIST and listed is None)

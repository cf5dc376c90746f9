"""After a start the backend is given some time to come before anything is decided without it (B-221)."""

from __future__ import annotations

from msgspec.structs import replace

from park.authorization.settings import Mode
from park.authorization.state import Authorizer, Question, Stepped
from park.model.access import AuthorizeWithBackend
from park.model.signals import WakeAt
from park.model.time import Now


def ends(state: Authorizer) -> float:
    """Mono from which on the offline rule holds."""
    return state.began + state.settings.boot_patience_seconds


def waits(state: Authorizer, now: Now) -> bool:
    """Whether the backend is still waited for. A board with the rules of its server waits for nobody."""
    return state.settings.mode is Mode.BACKEND and state.applied is None and not state.met and now.mono < ends(state)


def missed(state: Authorizer) -> Stepped:
    """The backend is not there yet, which is not heeded before its time is over."""
    return replace(state, online=None, away=True), (WakeAt(ends(state)),)


def changed(state: Authorizer, now: Now) -> Stepped:
    """Another setting, which after a start comes later than the word that the backend is not there."""
    if state.away or (state.online is False and waits(state, now)):
        return missed(state)
    return state, ()


def met(state: Authorizer, now: Now) -> Stepped:
    """It is there: whoever waited for it is asked about now."""
    deadline = now.mono + state.settings.answer_seconds
    held = [each for each in state.questions if each.held]
    asks = tuple(AuthorizeWithBackend(each.request_id, each.claim.id_tag, each.claim.contract) for each in held)
    questions = tuple(_asked(each, deadline) if each.held else each for each in state.questions)
    state = replace(state, questions=questions, online=True, met=True, away=False)
    return state, (*asks, WakeAt(deadline)) if asks else ()


def _asked(question: Question, deadline: float) -> Question:
    return replace(question, held=False, deadline=deadline)

"""Answers to what the backend asks: each call goes to the feature it belongs to."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import CommandAnswer, Done, Refused
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features import remote_profile
from park.ocpp.features.all_features import HANDLERS
from park.ocpp.features.feature import Turn
from park.ocpp.features.replies import refusal, result
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.state import CentralSystem, PendingCommand
from park.ocpp.wire import BACKEND_ACTIONS, INTERNAL_ERROR, NOT_IMPLEMENTED


def called(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Every CALL gets exactly one answer, now or when the park has answered."""
    if state.link is None:
        return state, ()
    if not state.loaded:
        return state, refusal(state, call, INTERNAL_ERROR, "starting; ask again in a minute")
    handler = HANDLERS.get(call.action)
    if handler is None:
        known = call.action in BACKEND_ACTIONS
        text = f"{call.action} is {'not offered by this station' if known else 'unknown'}"
        return state, refusal(state, call, NOT_IMPLEMENTED, text)
    return handler(state, call, now)


def command_answered(state: CentralSystem, answer: CommandAnswer) -> Turn:
    """What the park said to a command that was passed on."""
    state = remote_profile.answered(state, answer)
    pending = state.commands.get(answer.request_id)
    if pending is None or state.link is None:
        return state, ()
    commands = {key: value for key, value in state.commands.items() if key != answer.request_id}
    status = pending.done if isinstance(answer, Done) else pending.reasons.get(answer.reason, pending.refused)
    payload = {"status": status, **_data(pending, answer)}
    return replace(state, commands=commands), result(pending.unique_id, pending.action, payload, state.link)


def _data(pending: PendingCommand, answer: CommandAnswer) -> Payload:
    if not pending.data:
        return {}
    if isinstance(answer, Done):
        return {"data": answer.data}
    return {"data": answer.reason if answer.reason in pending.data else pending.data[-1]}


def expire(state: CentralSystem, now: Now) -> Turn:
    """Nobody answered in time: the backend gets a refusal."""
    effects: list[CentralSystemEffect] = []
    for request_id in [key for key, pending in state.commands.items() if pending.deadline <= now.mono]:
        state, more = command_answered(state, Refused(request_id, "no answer in time"))
        effects += more
    return state, tuple(effects)

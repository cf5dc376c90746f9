"""Reset: all sessions of the identity end, what they left goes to the backend, then the boards start again."""

from __future__ import annotations

from dataclasses import replace

from park.model.session import StopReason
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect, EndSession, RestartBoards
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem, Resetting
from park.ocpp.updating import is_checking, is_installing
from park.ocpp.wire import text_of

LEAST_SECONDS = 2.0  # ours: the answer goes out, and a session that just begins is heard of
LOOK_SECONDS = 1.0
SOFT_SECONDS, HARD_SECONDS = 30.0, 10.0  # ours: what is not at the backend by then waits on disk and goes after it


def begun(state: CentralSystem, boards: tuple[str, ...] | None, now: Now, *, hard: bool) -> Turn:
    """End the sessions; the restart follows when they are told."""
    patience = HARD_SECONDS if hard else SOFT_SECONDS
    resetting = Resetting(boards, hard, now.mono + LEAST_SECONDS, now.mono + patience)
    reason = StopReason.HARD_RESET if hard else StopReason.SOFT_RESET
    points = state.settings.points.values()
    ends = tuple(EndSession(point, reason) for point in points if boards is None or _board(point) in boards)
    return replace(state, resetting=resetting), ends


def _reset(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Refused while firmware is being installed (B-310), or checks itself after it (B-176)."""
    busy = is_installing(state) or is_checking(state, now)
    if state.resetting is not None or busy or _others_charge(state):
        return state, answer(state, call, "Rejected")
    state, effects = begun(state, None, now, hard=text_of(call.payload, "type") == "Hard")
    return state, (*answer(state, call, "Accepted"), *effects)


def _others_charge(state: CentralSystem) -> bool:
    """By setting, a reset waits for nobody else's vehicle: it is refused while one charges at another board."""
    if state.values.text("ResetScope") == "Park":
        return False
    running = state.queue.transactions.all_running()
    return any(_board(known.start.charge_point) != state.settings.node for known in running)


def _board(point: str) -> str:
    return point.partition("/")[0]


def _settle(state: CentralSystem, now: Now) -> Turn:
    resetting = state.resetting
    if resetting is None or resetting.ordered or now.mono < resetting.earliest:
        return state, ()
    if now.mono < resetting.latest and not _is_told(state, resetting):
        look = min(now.mono + LOOK_SECONDS, resetting.latest)
        return replace(state, resetting=replace(resetting, earliest=look)), ()
    over = None if resetting.boards is not None else replace(resetting, ordered=True)
    effects: tuple[CentralSystemEffect, ...] = (RestartBoards(resetting.boards, resetting.hard),)
    return replace(state, resetting=over), effects


def _is_told(state: CentralSystem, resetting: Resetting) -> bool:
    """No session runs where it must not, and nothing of them waits for disk or backend."""
    running = (known.start.charge_point for known in state.queue.transactions.all_running())
    ended = not any(resetting.boards is None or _board(point) in resetting.boards for point in running)
    queue = state.queue
    written = not queue.arrivals.due and not queue.arrivals.writing and queue.settling is None
    return ended and written and queue.backlog.head is None and state.flight is None


def _deadline(state: CentralSystem) -> float | None:
    resetting = state.resetting
    if resetting is None or resetting.ordered:
        return None
    return resetting.earliest


FEATURE = Feature({"Reset": _reset}, settle=_settle, deadline=_deadline)

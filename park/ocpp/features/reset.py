"""Reset: all sessions of the identity end, what they left goes to the backend, then the boards start again."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.session import StopReason
from park.model.storage import Row
from park.model.time import Now
from park.ocpp import owed_resets
from park.ocpp.effects import CentralSystemEffect, EndSession, RestartBoards
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer
from park.ocpp.keeping import keep
from park.ocpp.link import BackendCalled
from park.ocpp.owed_resets import board_of
from park.ocpp.state import CentralSystem, Resetting
from park.ocpp.updating import is_checking, is_installing
from park.ocpp.wire import text_of

LEAST_SECONDS = 2.0  # ours: the answer goes out, and a session that just begins is heard of
LOOK_SECONDS = 1.0
SOFT_SECONDS, HARD_SECONDS = 30.0, 10.0  # ours: what is not at the backend by then waits on disk and goes after it


def begun(state: CentralSystem, boards: tuple[str, ...] | None, now: Now, *, hard: bool) -> Turn:
    """End the sessions; the restart follows when they are told."""
    patience = HARD_SECONDS if hard else SOFT_SECONDS
    at = now.wall if now.known else None
    resetting = Resetting(boards, hard, now.mono + LEAST_SECONDS, now.mono + patience, at)
    reason = StopReason.HARD_RESET if hard else StopReason.SOFT_RESET
    points = state.settings.points.values()
    ends = tuple(EndSession(point, reason) for point in points if boards is None or board_of(point) in boards)
    return replace(state, resetting=resetting), ends


def _reset(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """Refused while firmware is being installed (B-310), or checks itself after it (B-176)."""
    if _is_busy(state, now) or _others_charge(state):
        return state, answer(state, call, "Rejected")
    state, effects = begun(state, None, now, hard=text_of(call.payload, "type") == "Hard")
    return state, (*answer(state, call, "Accepted"), *effects)


def _is_busy(state: CentralSystem, now: Now) -> bool:
    return state.resetting is not None or is_installing(state) or is_checking(state, now)


def _others_charge(state: CentralSystem) -> bool:
    """By setting, a reset waits for nobody else's vehicle: it is refused while one charges at another board."""
    if state.values.text("ResetScope") == "Park":
        return False
    running = state.queue.transactions.all_running()
    return any(board_of(known.start.charge_point) != state.settings.node for known in running)


def _settle(state: CentralSystem, now: Now) -> Turn:
    if not state.owed:
        return _attend(state, now)
    state, rows = owed_resets.paid(state)
    state, effects = keep(state, rows)
    state, more = _collect(state, now)
    state, then = _attend(state, now)
    return state, (*effects, *more, *then)


def _collect(state: CentralSystem, now: Now) -> Turn:
    """A board that is back, and has told what it had, does the reset it owes: one after the other."""
    if state.resetting is not None:
        return state, ()
    for board, owed in state.owed.items():
        due = owed_resets.due_at(state, board)
        if due is not None and due <= now.mono:
            if _is_busy(state, now):
                return owed_resets.postponed(state, board, now.mono + LOOK_SECONDS), ()
            return begun(state, (board,), now, hard=owed.hard)
    return state, ()


def _attend(state: CentralSystem, now: Now) -> Turn:
    resetting = state.resetting
    if resetting is None or resetting.ordered or now.mono < resetting.earliest:
        return state, ()
    if now.mono < resetting.latest and not _is_told(state, resetting):
        look = min(now.mono + LOOK_SECONDS, resetting.latest)
        return replace(state, resetting=replace(resetting, earliest=look)), ()
    over = None if resetting.boards is not None else replace(resetting, ordered=True)
    return _order(replace(state, resetting=over), resetting, now)


def _order(state: CentralSystem, resetting: Resetting, now: Now) -> Turn:
    """Told when it is on disk who owes it; a disk that refuses holds no reset up."""
    state, rows = owed_resets.ordered(state, resetting, now)
    order: tuple[CentralSystemEffect, ...] = (RestartBoards(resetting.boards, resetting.hard),)
    return keep(state, rows, order, lambda state, _: (state, order))


def _is_told(state: CentralSystem, resetting: Resetting) -> bool:
    """No session runs where it must not, and nothing of them waits for disk or backend."""
    running = (known.start.charge_point for known in state.queue.transactions.all_running())
    ended = not any(resetting.boards is None or board_of(point) in resetting.boards for point in running)
    queue = state.queue
    written = not queue.arrivals.due and not queue.arrivals.writing and queue.settling is None
    return ended and written and queue.backlog.head is None and state.flight is None


def _deadline(state: CentralSystem) -> float | None:
    resetting = state.resetting
    if resetting is not None:
        return None if resetting.ordered else resetting.earliest
    return min((due for board in state.owed if (due := owed_resets.due_at(state, board)) is not None), default=None)


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - a feature's
    return owed_resets.loaded(state, rows), ()


FEATURE = Feature({"Reset": _reset}, (owed_resets.TABLE,), _load, _settle, _deadline)

"""UnlockConnector: the session ends, the plug comes free and stays so until it is pulled out (OCPP 1.6 §5.18)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from park.charging import session
from park.charging.session import Phase
from park.model.access import NO_LOCK, Answer, AnswersCommand, Done, Refused, UnlockConnector
from park.model.session import StopReason

if TYPE_CHECKING:
    from park.charging.state import ChargePointState, Effect

PATIENCE_SECONDS = 8.0  # ours: below the 10 s within which a command is answered


class Unlocking(Struct, frozen=True):
    """An order that waits for the bolt, until `due` (mono)."""

    request_id: str
    reply_to: AnswersCommand
    due: float


def ordered(state: ChargePointState, order: UnlockConnector, mono: float, effects: list[Effect]) -> None:
    """End the session and free the plug; a fixed cable has nothing to unlock."""
    obstacle = None
    if not state.settings.has_lock:
        obstacle = NO_LOCK
    elif state.lost is not None or state.evse is None:
        obstacle = "no link to the charging electronics"
    elif state.unlocking is not None:
        obstacle = "it is being unlocked already"
    if obstacle is not None:
        effects.append(Answer(order.reply_to, Refused(order.request_id, obstacle)))
        return
    current = session.stopped(state.session, StopReason.UNLOCK_COMMAND, None, mono)
    state.session = session.IDLE if current.phase is Phase.AUTHORIZED else replace(current, held=False)
    state.freed = state.vehicle.since
    state.unlocking = Unlocking(order.request_id, order.reply_to, mono + PATIENCE_SECONDS)


def settle(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    """Answer when the bolt is open, or did not move in time."""
    order = state.unlocking
    if order is None:
        return
    is_open = state.evse is not None and state.lost is None and state.evse.lock_closed is False
    if is_open and state.lock.wanted is False:
        effects.append(Answer(order.reply_to, Done(order.request_id)))
        state.unlocking = None
    elif mono >= order.due:
        effects.append(Answer(order.reply_to, Refused(order.request_id, "the plug did not come free")))
        state.unlocking = None


def is_freed(state: ChargePointState) -> bool:
    """The plug that stands here was unlocked by order."""
    return state.freed is not None and state.freed == state.vehicle.since


def deadline(state: ChargePointState) -> float:
    return math.inf if state.unlocking is None else state.unlocking.due

"""The recloser of a charge point: its residual current device, switched on or off by order of the backend (B-215)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

from park.model.access import (
    CLOSE,
    NOT_AVAILABLE,
    NOT_PRESENT,
    OPEN,
    Answer,
    AnswersCommand,
    Done,
    OrderRecloser,
    Refused,
)
from park.model.evse import MoveRecloser

if TYPE_CHECKING:
    from park.charging.state import ChargePointState, Effect

PATIENCE_SECONDS = 8.0  # ours: below the 10 s after which an order of the backend has failed (B-225)


class Reclosing(Struct, frozen=True):
    """An order that waits for the device, until `due` (mono)."""

    request_id: str
    reply_to: AnswersCommand
    closed: bool
    due: float


def ordered(state: ChargePointState, order: OrderRecloser, mono: float, effects: list[Effect]) -> None:
    """Tell the state at once, or when the device is where it is to be."""
    reason = None
    if state.lost is not None or state.evse is None or state.reclosing is not None:
        reason = NOT_AVAILABLE
    elif state.evse.recloser_closed is None:
        reason = NOT_PRESENT
    if reason is not None:
        effects.append(Answer(order.reply_to, Refused(order.request_id, reason)))
        return
    wanted = _is_closed(state) if order.closed is None else order.closed
    if wanted is not _is_closed(state):
        effects.append(MoveRecloser(state.settings.name, bool(wanted)))
    state.reclosing = Reclosing(order.request_id, order.reply_to, bool(wanted), mono + PATIENCE_SECONDS)


def settle(state: ChargePointState, mono: float, effects: list[Effect]) -> None:
    """Answer when the device is there, or did not come in time."""
    order = state.reclosing
    if order is None:
        return
    if state.lost is None and _is_closed(state) is order.closed:
        effects.append(Answer(order.reply_to, Done(order.request_id, CLOSE if order.closed else OPEN)))
        state.reclosing = None
    elif mono >= order.due:
        effects.append(Answer(order.reply_to, Refused(order.request_id, NOT_AVAILABLE)))
        state.reclosing = None


def deadline(state: ChargePointState) -> float:
    return math.inf if state.reclosing is None else state.reclosing.due


def _is_closed(state: ChargePointState) -> bool | None:
    return None if state.evse is None else state.evse.recloser_closed

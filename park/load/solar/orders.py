"""The mode somebody gave a circuit, in place of the one of the configuration; kept on disk (B-085)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from park.load.solar.control import look
from park.load.solar.modes import Word
from park.load.solar.rows import SOLAR_TABLE, row_body, row_key, word_of
from park.load.solar.sun import Sun
from park.load.state import CoordinatorState
from park.model.alarm import Alarm
from park.model.limit import LimitKind, LimitRefused, Refusal
from park.model.solar import SetSolarMode
from park.model.storage import Delete, Put, Row


def refusal(state: CoordinatorState, order: SetSolarMode) -> LimitRefused | None:
    """Why it cannot be obeyed."""
    sun = _sun(state, order.circuit)
    if sun is None:
        known = ", ".join(each.solar.circuit for each in state.suns) or "none"
        reason = (
            f"{order.circuit!r} does not follow the sun (those that do: {known}); add [[solar]] to the configuration"
        )
        return LimitRefused(order.request_id, Refusal.NO_SUCH_TARGET, reason)
    voice = (order.kind, order.source)
    if order.mode is not None and not sun.modes.has_room(voice):
        reason = f"too many sources gave {order.circuit} a mode already; clear one of them"
        return LimitRefused(order.request_id, Refusal.TOO_MANY, reason)
    words = [word.source for word in sun.modes.words() if word.kind is order.kind]
    if order.mode is None and order.kind is LimitKind.ENERGY_MANAGER and order.source not in words:
        reason = f"{order.source} gave {order.circuit} no mode (those who did: {', '.join(words) or 'none'})"
        return LimitRefused(order.request_id, Refusal.NO_SUCH_LIMIT, reason)
    return None


def obey(state: CoordinatorState, order: SetSolarMode, now: float) -> tuple[Put | Delete, str, bool]:
    """What is to be written, what holds now in words, and whether that is this word. For an order not refused."""
    sun = _sun(state, order.circuit)
    if sun is None:
        raise ValueError(order.circuit)
    key = row_key(order.circuit, (order.kind, order.source))
    write: Put | Delete = Delete(SOLAR_TABLE, key)
    if order.mode is None:
        sun.modes.unsay((order.kind, order.source))
    else:
        until = None if order.valid_seconds is None else now + order.valid_seconds
        word = Word(order.kind, order.source, order.mode, until, order.valid_seconds)
        sun.modes.say(word)
        write = Put(SOLAR_TABLE, key, row_body(word, state.settings.machine_boot))
    sun.follow()
    look(state, now)
    _, holds = sun.modes.holds()
    own = holds is not None and holds.voice == (order.kind, order.source)
    return write, f"mode {sun.ceiling.mode.value}, {_of_whom(holds, own=own)}; {_in_words(state, order.circuit)}", own


def expire(state: CoordinatorState, now: float) -> list[Delete]:
    """End what ran out; what is to be deleted."""
    gone: list[Delete] = []
    for sun in state.suns:
        over = sun.modes.expire(now)
        gone += [Delete(SOLAR_TABLE, row_key(sun.solar.circuit, word.voice)) for word in over]
        if over:
            sun.follow()
    if gone:
        look(state, now)
    return gone


def next_end(state: CoordinatorState) -> float:
    """Mono at which the next mode runs out."""
    return min((sun.modes.next_end() for sun in state.suns), default=math.inf)


def restore(state: CoordinatorState, rows: Iterable[Row], now: float) -> tuple[list[Delete], list[Alarm]]:
    """Modes of before. Rows nobody needs any more are to be deleted, those that cannot be read are told."""
    gone: list[Delete] = []
    alarms: list[Alarm] = []
    for row in rows:
        try:
            circuit, word = word_of(row, state.settings.machine_boot, now)
        except (ValueError, KeyError, TypeError) as error:
            text = f"the solar mode of {row.key} cannot be read ({error}): it does not hold; set it again"
            alarms.append(Alarm("solar-mode-unreadable", text))
            continue
        sun = _sun(state, circuit)
        if sun is None:
            gone.append(Delete(SOLAR_TABLE, row.key))
            continue
        sun.modes.say(word)
        sun.follow()
    return gone, alarms


def _sun(state: CoordinatorState, circuit: str) -> Sun | None:
    return next((sun for sun in state.suns if sun.solar.circuit == circuit), None)


def _of_whom(holds: Word | None, *, own: bool) -> str:
    if holds is None:
        return "as the configuration says"
    return "whatever the configuration says" if own else f"as {holds.source} says: the strictest of all holds"


def _in_words(state: CoordinatorState, circuit: str) -> str:
    limit = state.limits.worked_out(circuit)
    if limit is None:
        return "the sun limits nothing"
    if limit.limit_ma is None:
        return f"charge points may take {limit.limit_w} W by the sun"
    l1, l2, l3 = (f"{current / 1000:.1f}" for current in limit.limit_ma)
    return f"charge points may take {l1} {l2} {l3} A by the sun"

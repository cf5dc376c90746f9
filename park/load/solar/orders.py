"""The mode an operator gave a circuit, in place of the one of the configuration; kept on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable

from park.load.solar.control import look
from park.load.solar.sun import Sun
from park.load.state import CoordinatorState
from park.model.alarm import Alarm
from park.model.limit import LimitRefused, Refusal
from park.model.solar import SetSolarMode, SolarMode
from park.model.storage import Delete, Put, Row

SOLAR_TABLE = "solar"


def refusal(state: CoordinatorState, order: SetSolarMode) -> LimitRefused | None:
    """Why it cannot be obeyed."""
    if _sun(state, order.circuit) is not None:
        return None
    known = ", ".join(sun.solar.circuit for sun in state.suns) or "none"
    reason = f"{order.circuit!r} does not follow the sun (those that do: {known}); add [[solar]] to the configuration"
    return LimitRefused(order.request_id, Refusal.NO_SUCH_TARGET, reason)


def obey(state: CoordinatorState, order: SetSolarMode, now: float) -> tuple[Put | Delete, str]:
    """What is to be written, and what holds now in words. For an order that is not refused."""
    sun = _sun(state, order.circuit)
    if sun is None:
        raise ValueError(order.circuit)
    sun.ceiling.mode = order.mode or sun.solar.mode
    look(state, now)
    of_whom = "as the configuration says" if order.mode is None else "whatever the configuration says"
    note = f"mode {sun.ceiling.mode.value}, {of_whom}; {_in_words(state, order.circuit)}"
    key = order.circuit
    return Delete(SOLAR_TABLE, key) if order.mode is None else Put(SOLAR_TABLE, key, json.dumps(order.mode.value)), note


def restore(state: CoordinatorState, rows: Iterable[Row]) -> tuple[list[Delete], list[Alarm]]:
    """Modes of before. Rows nobody needs any more are to be deleted, those that cannot be read are told."""
    gone: list[Delete] = []
    alarms: list[Alarm] = []
    for row in rows:
        sun = _sun(state, row.key)
        if sun is None:
            gone.append(Delete(SOLAR_TABLE, row.key))
            continue
        try:
            sun.ceiling.mode = SolarMode(json.loads(row.body))
        except ValueError as error:
            text = (
                f"the solar mode of {row.key} cannot be read ({error}): that of the configuration holds; set it again"
            )
            alarms.append(Alarm("solar-mode-unreadable", text))
    return gone, alarms


def _sun(state: CoordinatorState, circuit: str) -> Sun | None:
    return next((sun for sun in state.suns if sun.solar.circuit == circuit), None)


def _in_words(state: CoordinatorState, circuit: str) -> str:
    limit = state.limits.worked_out(circuit)
    if limit is None:
        return "the sun limits nothing"
    if limit.limit_ma is None:
        return f"charge points may take {limit.limit_w} W by the sun"
    l1, l2, l3 = (f"{current / 1000:.1f}" for current in limit.limit_ma)
    return f"charge points may take {l1} {l2} {l3} A by the sun"

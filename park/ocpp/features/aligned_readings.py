"""Clock-aligned MeterValues of connectors without a session; those of a session are facts of it (OCPP 1.6 §3.16)."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from park.model.aligned import clock_slot, seconds_to_next_slot
from park.model.session import ReadingContext
from park.model.time import Now
from park.ocpp import messages
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.payloads import ALIGNED, Payloads
from park.ocpp.state import CentralSystem, TriggeredValues

KEY = "ClockAlignedDataInterval"
MOST_WAITING = 200  # ours: aligned readings that wait for the link; newer ones are left out


def _settle(state: CentralSystem, now: Now) -> Turn:
    """At each full interval, the newest reading of every connector that has one, unless it is old."""
    if now.mono < state.aligned_due or not state.readings:
        return state, ()
    due: list[TriggeredValues] = []
    slots = dict(state.aligned_slots)
    looks: list[float] = []
    for connector in sorted(state.readings):
        interval = int(state.values.text_at(KEY, *state.settings.places(connector)))
        if interval <= 0:
            slots.pop(connector, None)
            continue
        looks.append(seconds_to_next_slot(now.wall, interval))
        slot, before = clock_slot(now.wall, interval), slots.get(connector)
        slots[connector] = slot
        if before is not None and slot > before:
            due += _reading(state, connector, interval, now)
    wait = min(looks, default=float("inf"))
    room = MOST_WAITING - len(state.triggered)
    return (
        replace(
            state,
            aligned_due=now.mono + wait,
            aligned_slots=slots,
            triggered=(*state.triggered, *due[: max(0, room)]),
        ),
        (),
    )


def _reading(state: CentralSystem, connector: int, interval: int, now: Now) -> list[TriggeredValues]:
    reading = state.readings[connector]
    idle = state.queue.transactions.on_connector(connector) is None
    if not (state.registration.accepted and idle and now.wall - reading.at <= timedelta(seconds=interval)):
        return []
    manner = Payloads(state.values, state.settings.phases).manner(connector, ALIGNED)
    payload = messages.values_outside(connector, reading, None, manner, ReadingContext.SAMPLE_CLOCK.value)
    return [] if payload is None else [TriggeredValues(payload)]


def _deadline(state: CentralSystem) -> float | None:
    return state.aligned_due if state.readings and state.aligned_due < float("inf") else None


FEATURE = Feature({}, settle=_settle, deadline=_deadline)

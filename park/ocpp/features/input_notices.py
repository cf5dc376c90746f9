"""Changes of digital inputs as informative notifications, on wish, no more than one in ten seconds (B-036)."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.access import ConnectorStatusChanged
from park.model.limit import InputChanged
from park.model.time import Now
from park.ocpp import availability, messages
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.keeping import notify
from park.ocpp.state import CentralSystem

APART_SECONDS = 10.0  # B-036
SWITCHES = ("InputOutputBackendControlledMode", "InputChangeNotifyBackend", "InfoStatusNotifications")


def heard(state: CentralSystem, event: InputChanged) -> Turn:
    """Take note; the first level, and one that is not known, are no change."""
    place = (event.node, event.number)
    notices = state.inputs
    before = notices.levels.get(place)
    if event.high is None or event.high is before:
        return state, ()
    notices = replace(notices, levels={**notices.levels, place: event.high})
    if before is not None:
        notices = replace(notices, changed=notices.changed | {place})
    return replace(state, inputs=notices), ()


def _is_wanted(state: CentralSystem) -> bool:
    told = all(state.values.switch(name) for name in SWITCHES)
    return told and state.link is not None and state.registration.accepted


def _settle(state: CentralSystem, now: Now) -> Turn:
    """What changed meanwhile is one notification; without a backend that wants it, it is none at all."""
    notices = state.inputs
    if not notices.changed:
        return state, ()
    if not _is_wanted(state):
        return replace(state, inputs=replace(notices, changed=frozenset())), ()
    if now.mono < notices.not_before:
        return state, ()
    said = ", ".join(_said(number, high=notices.levels[node, number]) for node, number in sorted(notices.changed))
    told = replace(notices, changed=frozenset(), not_before=now.mono + APART_SECONDS)
    return notify(replace(state, inputs=told), "StatusNotification", messages.status(_status(state, said, now)))


def _status(state: CentralSystem, info: str, now: Now) -> ConnectorStatusChanged:
    return replace(availability.station(state, now), info=info)


def _said(number: int, *, high: bool) -> str:
    return f"Input {number} {'high' if high else 'low'}"


def _deadline(state: CentralSystem) -> float | None:
    return state.inputs.not_before if state.inputs.changed else None


FEATURE = Feature({}, settle=_settle, deadline=_deadline)

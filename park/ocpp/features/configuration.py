"""GetConfiguration and ChangeConfiguration: the configuration keys as the backend sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from park.model.access import Refused, RepeatSettings, SettingChanged
from park.model.alarm import Alarm
from park.model.storage import Row
from park.model.time import Now
from park.ocpp import keys
from park.ocpp.connection_keys import change_connection, shown
from park.ocpp.effects import CentralSystemEffect, SettingsRepeated
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, deferred, link_of, refusal, result
from park.ocpp.keys import Access, Key, KeyValues, Kind
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.rows import SETTINGS, setting_of
from park.ocpp.state import CentralSystem
from park.ocpp.wire import OCCURRENCE_VIOLATION, text_of

KEPT_IN_MEMORY = "HeartbeatInterval"  # B-206: the backend sets it with each boot


@dataclass(frozen=True, slots=True)
class SettingCommit:
    """A ChangeConfiguration takes effect and is answered when it is on disk; a full disk refuses it."""

    unique_id: str
    link: int
    name: str
    value: str

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        key = keys.find(self.name)
        if key is None or not on_disk:
            return state, self._answer("Rejected")
        state = replace(state, values=state.values.with_value(key.name, self.value))
        status = "RebootRequired" if key.restart else "Accepted"
        return state, (*self._answer(status), *announced(key, self.value))

    def _answer(self, status: str) -> tuple[CentralSystemEffect, ...]:
        return result(self.unique_id, "ChangeConfiguration", {"status": status}, self.link)


def announced(key: Key, value: str) -> tuple[SettingChanged, ...]:
    """What the rest of the park hears of a key: numbers and switches."""
    match key.kind:
        case Kind.NUMBER:
            return (SettingChanged(key.name, int(value)),)
        case Kind.SWITCH:
            return (SettingChanged(key.name, value == "true"),)
        case _:
            return ()


def in_force(values: KeyValues) -> tuple[SettingChanged, ...]:
    """Every key the rest of the park may hear of, as it is set now, defaults included."""
    return tuple(change for key in keys.KEYS for change in announced(key, values.text(key.name)))


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    values = state.values
    effects: list[CentralSystemEffect] = []
    for name, body in state.queue.rows.mine(rows, SETTINGS):
        key = keys.find(name)
        value = None if key is None else _stored_value(key, body)
        if key is None or value is None:
            effects.append(Alarm("ocpp-setting-ignored", f"the stored value of {name} is not valid; its default holds"))
            continue
        values = values.with_value(key.name, value)
    return replace(state, values=values), (*effects, *in_force(values))


def _stored_value(key: Key, body: str) -> str | None:
    """A value of an older version may be out of range today."""
    try:
        value = keys.accept(key, setting_of(body))
    except (ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def _repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    known = in_force(state.values) if point != RepeatSettings.AUTHORIZER else ()
    return (SettingsRepeated(point, known),) if known else ()


def _get(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    wanted = cast("list[str]", call.payload.get("key") or [])
    most = state.values.number("GetConfigurationMaxKeys")
    if len(wanted) > most:
        text = f"at most {most} keys in one request (GetConfigurationMaxKeys)"
        return state, refusal(state, call, OCCURRENCE_VIOLATION, text)
    found = [keys.find(name) for name in wanted] if wanted else list(keys.KEYS)
    payload: dict[str, object] = {
        "configurationKey": [_listed(key, state) for key in _once(key for key in found if key is not None)]
    }
    unknown = [name for name in wanted if keys.find(name) is None]
    if unknown:
        payload["unknownKey"] = unknown
    return state, result(call.unique_id, call.action, payload, state.link)


def _once(found: Iterable[Key]) -> Iterable[Key]:
    return {key.name: key for key in found}.values()


def _listed(key: Key, state: CentralSystem) -> Payload:
    value = shown(state, key.name) or keys.shown(key, state.values)
    return {"key": key.name, "readonly": key.access is Access.READ, "value": value}


def _change(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    key = keys.find(text_of(call.payload, "key") or "")
    if key is None:
        return state, answer(state, call, "NotSupported")
    of_connection = change_connection(state, call, key.name, text_of(call.payload, "value") or "")
    if of_connection is not None:
        return of_connection
    value = keys.accept(key, text_of(call.payload, "value") or "")
    if isinstance(value, Refused):
        return state, answer(state, call, "Rejected")
    change = SettingCommit(call.unique_id, link_of(state), key.name, value)
    if key.name == KEPT_IN_MEMORY:
        return change.stored(state, now, on_disk=True)
    return deferred(state, (state.queue.rows.put_setting(key.name, value, "backend", now.wall),), change)


FEATURE = Feature(
    {"GetConfiguration": _get, "ChangeConfiguration": _change}, tables=(SETTINGS,), load=_load, repeat=_repeat
)

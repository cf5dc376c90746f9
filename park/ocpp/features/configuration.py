"""GetConfiguration and ChangeConfiguration, and the same for people on site: the keys, their places, who set them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from park.model.access import Answer, AnswersCommand, Done, Refused, RepeatSettings
from park.model.alarm import Alarm
from park.model.storage import Delete, Put, Row
from park.model.time import Now
from park.ocpp import availability, connecting, connection_keys, keys
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features import announcing
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import deferred, link_of, refusal, result
from park.ocpp.features.timely import timely
from park.ocpp.keys import Access, Key, Named, Scope, Setting
from park.ocpp.keys.accepting import FAST_NETWORK, ours
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.orders import AnswerSettings, ChangeSetting, ListedSetting, ListSettings, RestoreDefaults, SettingsListed
from park.ocpp.rows import SETTINGS, setting_of
from park.ocpp.state import CentralSystem
from park.ocpp.wire import OCCURRENCE_VIOLATION, text_of

KEPT_IN_MEMORY = "HeartbeatInterval"  # B-206: the backend sets it with each boot
BACKEND = "backend"
FULL = "free the disk and try again"
NOT_WRITTEN = f"it could not be written: {FULL}"


class _Reply(Protocol):
    def say(self, status: str, why: str = "") -> tuple[CentralSystemEffect, ...]: ...


class _ToBackend(Struct, frozen=True):
    unique_id: str
    link: int

    def say(self, status: str, why: str = "") -> tuple[CentralSystemEffect, ...]:  # noqa: ARG002 - a status is all
        return result(self.unique_id, "ChangeConfiguration", {"status": status}, self.link)


class _ToPerson(Struct, frozen=True):
    request_id: str
    reply_to: AnswersCommand

    def say(self, status: str, why: str = "") -> tuple[CentralSystemEffect, ...]:
        done = status in {"Accepted", "RebootRequired"}
        return (Answer(self.reply_to, Done(self.request_id) if done else Refused(self.request_id, why)),)


class SettingCommit(Struct, frozen=True):
    """A change takes effect and is answered when it is on disk; `setting` None: one place's value is taken back."""

    named: Named
    setting: Setting | None
    reply: _Reply

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        if not on_disk:
            return state, self.reply.say("Rejected", NOT_WRITTEN)
        key, name, setting = self.named.key, self.named.stored, self.setting
        values = state.values.without(name)
        if setting is not None:
            values = state.values.with_value(name, setting.value, setting.by, setting.at)
        state = replace(state, values=values, aligned_due=now.mono)
        status = "RebootRequired" if key.restart else "Accepted"
        return state, (*self.reply.say(status), *announcing.changed(state, key))


def ordered(state: CentralSystem, order: ChangeSetting, now: Now) -> Turn:
    """A person on site sets a key."""
    reply = _ToPerson(order.request_id, order.reply_to)
    if not state.loaded:
        return state, reply.say("Rejected", "the node is starting; try again in a minute")
    return _set(state, order.name, order.value, order.by, reply, now)


class RestoreCommit(Struct, frozen=True):
    """All keys are the file's when their rows are gone; what is set once stays (B-047)."""

    kept: frozenset[str]
    by: str

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        if not on_disk:
            return state, (Alarm("ocpp-settings-kept", f"the keys could not be restored as {self.by} wanted: {FULL}"),)
        changed = {name: setting for name, setting in state.values.changed.items() if name in self.kept}
        state = replace(state, values=replace(state.values, changed=changed), aligned_due=now.mono)
        done = Alarm("ocpp-settings-restored", f"all configuration keys are the file's again, by {self.by}")
        return state, (done, *announcing.everything(state), *availability.for_all(state))


def restored(state: CentralSystem, order: RestoreDefaults) -> Turn:
    """Before the rows are there nothing is known that could be restored."""
    if not state.loaded:
        return state, ()
    names = tuple(state.values.changed)
    kept = frozenset(name for name in names if name == KEPT_IN_MEMORY or _is_set_once(name))
    rows = state.queue.rows
    deletes = tuple(rows.delete_setting(name) for name in names if name not in kept)
    return deferred(state, deletes, RestoreCommit(kept, order.by))


def _is_set_once(name: str) -> bool:
    found = keys.named(name)
    return found is not None and found.key.once


def listed(state: CentralSystem, order: ListSettings) -> Turn:
    """A person on site asks for keys."""
    wanted, unknown = _wanted(state, order.names)
    settings = tuple(_described(state, each) for each in wanted)
    return state, (AnswerSettings(order.reply_to, SettingsListed(order.request_id, settings, unknown)),)


def _described(state: CentralSystem, named: Named) -> ListedSetting:
    key = named.key
    setting = state.values.changed.get(named.stored, Setting(""))
    default = keys.MASK if key.access is Access.HIDDEN else state.values.station.get(named.stored, key.default)
    return ListedSetting(
        named.said,
        _value(state, named),
        default,
        key.access.value,
        key.restart,
        setting.by,
        setting.at,
        key.about,
    )


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    values = state.values
    widest = values.with_value(FAST_NETWORK, "true")
    effects: list[CentralSystemEffect] = []
    for name, body in state.queue.rows.mine(rows, SETTINGS):
        named = keys.named(name)
        setting = None if named is None else _stored(named.key, body, widest)
        if named is None or setting is None:
            effects.append(Alarm("ocpp-setting-ignored", f"the stored value of {name} is not valid; its default holds"))
            continue
        values = values.with_value(named.stored, setting.value, setting.by, setting.at)
    state = replace(state, values=values)
    return state, (*effects, *announcing.everything(state))


def _stored(key: Key, body: str, values: keys.KeyValues) -> Setting | None:
    """A value of an older version may be out of range today."""
    try:
        setting = setting_of(body)
    except (ValueError, KeyError, TypeError):
        return None
    value = keys.accept(key, setting.value, values, on_site=True)
    return replace(setting, value=value) if isinstance(value, str) else None


def _get(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    names = tuple(cast("list[str]", call.payload.get("key") or []))
    most = state.values.number("GetConfigurationMaxKeys")
    if len(names) > most:
        text = f"at most {most} keys in one request (GetConfigurationMaxKeys)"
        return state, refusal(state, call, OCCURRENCE_VIOLATION, text)
    wanted, unknown = _wanted(state, names)
    payload: dict[str, object] = {"configurationKey": [_listed(state, each) for each in wanted]}
    if unknown:
        payload["unknownKey"] = list(unknown)
    return state, result(call.unique_id, call.action, payload, state.link)


def _wanted(state: CentralSystem, names: tuple[str, ...]) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """The keys of these names, each once, and the names that mean nothing; all, and the places set, for no names."""
    if not names:
        return tuple(_all(state)), ()
    found = [(name, keys.named(name)) for name in names]
    known = {each.said: each for _, each in found if each is not None and _exists(state, each)}
    unknown = tuple(name for name, each in found if each is None or not _exists(state, each))
    return tuple(known.values()), unknown


def _all(state: CentralSystem) -> Iterable[Named]:
    places = sorted(state.settings.all_places, key=lambda place: (not place.isdigit(), place.zfill(9)))
    set_somewhere = {*state.values.changed, *state.values.station}
    for key in keys.KEYS:
        yield Named(key, None, None)
        if key.scope is Scope.POINT:
            yield from (Named(key, None, place) for place in places if f"{key.name}[{place}]" in set_somewhere)


def _exists(state: CentralSystem, named: Named) -> bool:
    """Whether the place is one of this park, and the key may differ from place to place."""
    if named.place is None:
        return True
    return named.key.scope is Scope.POINT and named.place in state.settings.all_places


def _listed(state: CentralSystem, named: Named) -> Payload:
    read_only = named.key.access not in {Access.WRITE, Access.HIDDEN}
    return {"key": named.said, "readonly": read_only, "value": _value(state, named)}


def _value(state: CentralSystem, named: Named) -> str:
    text = connection_keys.shown(state, named.key.name) or state.values.text(named.key.name)
    if named.place is not None:
        places = state.settings.places(int(named.place)) if named.place.isdigit() else (named.place,)
        text = state.values.text_at(named.key.name, *places)
    return keys.shown(named.key, text, state.values, named.alias)


def _change(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    reply = _ToBackend(call.unique_id, link_of(state))
    return _set(state, text_of(call.payload, "key") or "", text_of(call.payload, "value") or "", BACKEND, reply, now)


def _set(state: CentralSystem, name: str, text: str, by: str, reply: _Reply, now: Now) -> Turn:
    named = keys.named(name)
    if named is None or not _exists(state, named):
        return state, reply.say("NotSupported", f"there is no key {name}")
    chosen = connection_keys.wished(state, named.key.name, text)
    if isinstance(chosen, Refused):
        return state, reply.say("Rejected", chosen.reason)
    if chosen is not None:
        accepted, refused = reply.say("Accepted"), reply.say("Rejected", NOT_WRITTEN)
        return connecting.change(state, accepted, refused, chosen, f"{named.key.name} was changed by {by}")
    rows = state.queue.rows
    if named.key.once and state.values.text(named.key.name):
        return state, reply.say("Rejected", f"{named.key.name} is written once, and it is")
    if named.place is not None and not text.strip():
        change = SettingCommit(named, None, reply)
        return _written(state, rows.delete_setting(named.stored), change, by, now)
    value = keys.accept(named.key, ours(named.alias, text), state.values, on_site=by != BACKEND)
    if isinstance(value, Refused):
        return state, reply.say("Rejected", value.reason)
    if named.key.unique and _is_shared(state, named, value):
        return state, reply.say("Rejected", f"no two connectors may have the same {named.key.name}")
    setting = Setting(value, by, now.wall)
    change = SettingCommit(named, setting, reply)
    if named.key.name == KEPT_IN_MEMORY:
        return change.stored(state, now, on_disk=True)
    return _written(state, rows.put_setting(named.stored, setting), change, by, now)


def _written(state: CentralSystem, row: Put | Delete, change: SettingCommit, by: str, now: Now) -> Turn:
    """In force when it is on disk. People wait for that, a backend only for a second (B-223)."""
    if by != BACKEND:
        return deferred(state, (row,), change)
    name, rows = change.named.stored, state.queue.rows
    known = state.values.changed.get(name)
    before = rows.delete_setting(name) if known is None else rows.put_setting(name, known)
    return deferred(state, (row,), timely(change, change.reply.say("Rejected", NOT_WRITTEN), name, before, now))


def _is_shared(state: CentralSystem, named: Named, value: str) -> bool:
    """Whether two connectors would have the same value, empty ones aside (B-133)."""
    after = state.values.with_value(named.stored, value)
    each = [after.text_at(named.key.name, *state.settings.places(number)) for number in state.settings.connectors]
    told = [text.casefold() for text in each if text]
    return len(set(told)) < len(told)


def _repeat(state: CentralSystem, who: str) -> tuple[CentralSystemEffect, ...]:
    match who:
        case RepeatSettings.AUTHORIZER:
            return announcing.for_authorizer(state)
        case _:
            return announcing.for_point(state, who)


FEATURE = Feature(
    {"GetConfiguration": _get, "ChangeConfiguration": _change}, tables=(SETTINGS,), load=_load, repeat=_repeat
)

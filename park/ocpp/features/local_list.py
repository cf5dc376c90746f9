"""SendLocalList and GetLocalListVersion: the backend's list of id tags, changed as a whole or not at all.

It is on disk before it is answered. The authorizer is told all of it, and passes it on to the boards.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from park.model.access import RepeatSettings, Verdict
from park.model.listed import LocalListHeld
from park.model.storage import Row
from park.model.time import Now
from park.ocpp import local_list_rows
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, deferred, link_of, result
from park.ocpp.link import BackendCalled
from park.ocpp.local_list import NO_LIST, Update, updated
from park.ocpp.state import CentralSystem

ENABLED = "LocalAuthListEnabled"
NOT_SUPPORTED = -1  # OCPP 1.6 §5.10: what GetLocalListVersion answers where there is no list


class ListCommit(Struct, frozen=True):
    """An update of the list, in force and answered when it is on disk."""

    unique_id: str
    action: str
    link: int
    update: Update

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        status = result(self.unique_id, self.action, {"status": "Accepted" if on_disk else "Failed"}, self.link)
        if not on_disk:
            return replace(state, list_newest=state.local_list), status
        state = replace(state, local_list=self.update.after)
        news = tuple(entry.tag for entry in self.update.put if entry.verdict is Verdict.ACCEPTED)
        return state, (*status, _held(state, news))


def _send(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    """An update that comes while another one is written builds on that."""
    if not state.values.switch(ENABLED):
        return state, answer(state, call, "NotSupported")
    update = updated(state.list_newest, call.payload)
    if not isinstance(update, Update):
        return state, answer(state, call, update)
    state = replace(state, list_newest=update.after)
    writes = local_list_rows.writes(state.queue.rows, update)
    return deferred(state, writes, ListCommit(call.unique_id, call.action, link_of(state), update))


def _version(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    enabled = state.values.switch(ENABLED)
    version = state.local_list.told_version if enabled else NOT_SUPPORTED
    return state, result(call.unique_id, call.action, {"listVersion": version}, state.link)


def _held(state: CentralSystem, news: tuple[str, ...] = ()) -> LocalListHeld:
    """Nobody is known by a list that is switched off."""
    tags = tuple(state.local_list.tags.values()) if state.values.switch(ENABLED) else ()
    return LocalListHeld(tags, news)


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    kept, alarms = local_list_rows.load(state.queue.rows, rows)
    state = replace(state, local_list=kept, list_newest=kept)
    return state, (*alarms, *((_held(state),) if kept.version != NO_LIST else ()))


def _settle(state: CentralSystem, now: Now) -> Turn:  # noqa: ARG001 - the protocol's
    """The switch was turned."""
    enabled = state.values.switch(ENABLED)
    if enabled is state.list_enabled:
        return state, ()
    state = replace(state, list_enabled=enabled)
    return state, ((_held(state),) if state.local_list.version != NO_LIST else ())


def _repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    return (_held(state),) if point == RepeatSettings.AUTHORIZER else ()


FEATURE = Feature(
    {"SendLocalList": _send, "GetLocalListVersion": _version},
    tables=(local_list_rows.TABLE, local_list_rows.VERSION_TABLE),
    load=_load,
    settle=_settle,
    repeat=_repeat,
)

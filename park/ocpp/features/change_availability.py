"""ChangeAvailability: in and out of service, kept over restarts, at once or when the vehicle has gone (B-185)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from park.model.access import ConnectorStatus
from park.model.storage import Put, Row
from park.model.time import Now
from park.ocpp import availability
from park.ocpp.availability import STATION
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import answer, deferred, link_of, result
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem
from park.ocpp.wire import integer_of, text_of

TABLE = "availability"
FREE = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED, ConnectorStatus.UNAVAILABLE})


class _Change(Struct, frozen=True):
    """Answered and in force when it is on disk."""

    unique_id: str
    link: int
    words: Mapping[int, bool]
    status: str

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        status = self.status if on_disk else "Rejected"
        effects = result(self.unique_id, "ChangeAvailability", {"status": status}, self.link)
        if not on_disk:
            return state, effects
        state = replace(state, availability={**state.availability, **self.words})
        if STATION in self.words:
            state = replace(state, statuses=state.statuses.changed(availability.station(state, now), now.mono))
        return state, (*effects, *availability.for_all(state))


def _change(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:  # noqa: ARG001 - a handler's
    connector = integer_of(call.payload, "connectorId")
    if connector is None or connector not in (STATION, *state.settings.connectors):
        return state, answer(state, call, "Rejected")
    on = text_of(call.payload, "type") == "Operative"
    meant = (STATION, *state.settings.connectors) if connector == STATION else (connector,)
    busy = not on and any(_is_busy(state, each) for each in meant)
    change = _Change(call.unique_id, link_of(state), dict.fromkeys(meant, on), "Scheduled" if busy else "Accepted")
    rows = state.queue.rows
    return deferred(state, (Put(TABLE, rows.key(str(each)), json.dumps(on)) for each in meant), change)


def _is_busy(state: CentralSystem, connector: int) -> bool:
    """A session, or a vehicle that may begin one."""
    line = state.statuses.lines.get(connector)
    parked = line is not None and line.current.status not in {*FREE, ConnectorStatus.FAULTED}
    return parked or state.queue.transactions.on_connector(connector) is not None


def _load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:
    words: dict[int, bool] = {}
    for key, body in state.queue.rows.mine(rows, TABLE):
        if key.isdigit():
            words[int(key)] = body != "false"
    state = replace(state, availability=words)
    if not words.get(STATION, True):
        state = replace(state, statuses=state.statuses.changed(availability.station(state, now), now.mono))
    return state, availability.for_all(state)


def _repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    return availability.for_point(state, point)


FEATURE = Feature({"ChangeAvailability": _change}, tables=(TABLE,), load=_load, repeat=_repeat)

"""Charging profiles on disk: as the backend sent them, with where, when, and for which session."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict, cast

from park.model.alarm import Alarm
from park.model.storage import Delete, Put, Row
from park.ocpp.link import Payload
from park.ocpp.profiles.installed import Installed, Profiles
from park.ocpp.profiles.profile import read
from park.ocpp.rows import Rows

TABLE = "charging_profiles"


class _Row(TypedDict):
    connector: int
    payload: Payload
    at: int
    session: str | None


def put(rows: Rows, installed: Installed) -> Put:
    row: _Row = {
        "connector": installed.connector,
        "payload": installed.payload,
        "at": installed.at,
        "session": installed.session,
    }
    return Put(TABLE, rows.key(str(installed.profile.id)), json.dumps(row, separators=(",", ":")))


def delete(rows: Rows, number: int) -> Delete:
    return Delete(TABLE, rows.key(str(number)))


def load(rows: Rows, found: Iterable[Row]) -> tuple[Profiles, tuple[Alarm, ...]]:
    """What was installed before; a row that cannot be read stays on disk and is alarmed."""
    kept: list[Installed] = []
    alarms: list[Alarm] = []
    for key, body in rows.mine(found, TABLE):
        try:
            row = cast("_Row", json.loads(body))
            kept.append(
                Installed(int(row["connector"]), read(row["payload"]), row["payload"], row["at"], row["session"])
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"charging profile {key} cannot be read ({error}) and limits nothing: have the backend send it again"
            alarms.append(Alarm("charging-profile-unreadable", text))
    return Profiles().changed(kept, ()), tuple(alarms)

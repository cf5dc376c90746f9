"""The backend's list of id tags on disk: a row for each tag, and one for the version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict, cast

from park.model.access import Verdict
from park.model.alarm import Alarm
from park.model.listed import ListedTag
from park.model.storage import Delete, Put, Row
from park.ocpp.local_list import NO_LIST, LocalList, Update
from park.ocpp.rows import Rows
from park.ocpp.wire import instant, iso

TABLE, VERSION_TABLE = "local_list", "local_list_version"
VERSION_KEY = "version"


class _Row(TypedDict):
    status: str
    expires: str | None
    parent: str | None


def writes(rows: Rows, update: Update) -> tuple[Put | Delete, ...]:
    return (
        *(Delete(TABLE, rows.key(tag)) for tag in update.removed),
        *(Put(TABLE, rows.key(entry.tag), _body(entry)) for entry in update.put),
        Put(VERSION_TABLE, rows.key(VERSION_KEY), str(update.after.version)),
    )


def load(rows: Rows, found: Iterable[Row]) -> tuple[LocalList, tuple[Alarm, ...]]:
    """The list as the disk holds it. If it cannot be read it counts as never sent, and the backend sends it again."""
    found = tuple(found)
    try:
        version = int(dict(rows.mine(found, VERSION_TABLE)).get(VERSION_KEY, str(NO_LIST)))
        tags = {tag: _listed(tag, body) for tag, body in rows.mine(found, TABLE)}
    except (ValueError, KeyError, TypeError) as error:
        text = f"the backend's list of id tags cannot be read ({error}): nobody is known by it until it is sent again"
        return LocalList(), (Alarm("local-list-unreadable", text),)
    return LocalList(version, tags), ()


def _body(entry: ListedTag) -> str:
    row: _Row = {
        "status": entry.verdict.value,
        "expires": None if entry.expires is None else iso(entry.expires),
        "parent": entry.parent_tag,
    }
    return json.dumps(row, separators=(",", ":"))


def _listed(tag: str, body: str) -> ListedTag:
    row = cast("_Row", json.loads(body))
    expires = None if row["expires"] is None else instant(row["expires"])
    return ListedTag(tag, Verdict(row["status"]), expires, row["parent"])

"""The backend's list of id tags where it decides: at the server as the central system tells it, on a board as kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import DecodeError
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from park.authorization.messages import ListChanged
from park.authorization.state import Authorizer, Stepped
from park.model.access import Verdict
from park.model.alarm import Alarm
from park.model.listed import ApplyLocalList, ListedTag, LocalListHeld
from park.model.storage import Put, Row, Write

TABLE = "board_local_list"
KEY = "held"
_UNANSWERED = 0
_TAGS: Decoder[tuple[ListedTag, ...]] = Decoder(tuple[ListedTag, ...])


def held(state: Authorizer, told: LocalListHeld) -> Stepped:
    """All of it; what the backend has accepted just now it no longer refuses (D4: a newer word of the backend)."""
    news = frozenset(told.news)
    refused = tuple(tag for tag in state.refused if tag not in news)
    state = replace(state, listed=_by_tag(told.tags), refused=refused if news else state.refused)
    return state, (ListChanged(told.tags),)


def applied(state: Authorizer, told: ApplyLocalList) -> Stepped:
    """Of this board's server: kept on disk for the time without it."""
    listed = _by_tag(told.tags)
    if listed == state.listed:
        return state, ()
    row = Put(TABLE, KEY, encode(told.tags).decode())
    return replace(state, listed=listed), (Write((row,), _UNANSWERED),)


def loaded(state: Authorizer, rows: Iterable[Row]) -> Stepped:
    """What this board kept; a list that came in meanwhile is newer."""
    body = next((row.body for row in rows if row.table == TABLE), None)
    if body is None or state.listed:
        return state, ()
    try:
        return replace(state, listed=_by_tag(_TAGS.decode(body))), ()
    except DecodeError:
        text = "the list of id tags this board got from its server cannot be read: the server sends it again"
        return state, (Alarm("local-list-unreadable", text),)


def verdict_of(state: Authorizer, id_tag: str, wall: datetime) -> Verdict | None:
    """What the list says of a tag at this time; None: it does not know it."""
    entry = state.listed.get(id_tag.casefold())
    if entry is None:
        return None
    over = entry.expires is not None and wall > entry.expires
    return Verdict.EXPIRED if over and entry.verdict is Verdict.ACCEPTED else entry.verdict


def parent_of(state: Authorizer, id_tag: str) -> str | None:
    """The group of a tag, as far as it is known here."""
    entry = state.listed.get(id_tag.casefold())
    return None if entry is None else entry.parent_tag


def _by_tag(tags: Iterable[ListedTag]) -> dict[str, ListedTag]:
    return {entry.tag: entry for entry in tags}

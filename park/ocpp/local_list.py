"""The backend's list of id tags: what a SendLocalList makes of it (OCPP 1.6 §5.15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast

from msgspec import Struct, field

from park.model.access import Verdict
from park.model.listed import ListedTag
from park.ocpp.link import Payload
from park.ocpp.wire import ID_TAG_LENGTH, instant, integer_of, member, text_of

CAPACITY = 10_000  # B-210: LocalAuthListMaxLength and SendLocalListMaxLength
NO_LIST = 0  # the version of an empty list (OCPP 1.6 §5.10)


class LocalList(Struct, frozen=True):
    """`version`: of the newest update, 0 before the first; `tags`: by case-folded tag."""

    version: int = NO_LIST
    tags: Mapping[str, ListedTag] = field(default_factory=dict[str, ListedTag])

    @property
    def told_version(self) -> int:
        """What a backend is told, and builds upon."""
        return self.version if self.tags else NO_LIST


class Update(Struct, frozen=True):
    """`after`: the whole list; `removed`, `put`: what of it differs from before."""

    after: LocalList
    put: tuple[ListedTag, ...]
    removed: tuple[str, ...]


Refused: TypeAlias = str
"""The status of an update that changes nothing: Failed or VersionMismatch."""


def updated(before: LocalList, request: Payload) -> Update | Refused:
    """What a request makes of the list: all of it or nothing."""
    version = integer_of(request, "listVersion")
    full = text_of(request, "updateType") == "Full"
    sent = cast("list[Payload]", request.get("localAuthorizationList") or [])
    if version is None or version <= NO_LIST or len(sent) > CAPACITY:
        return "Failed"
    if not full and version <= before.told_version:
        return "VersionMismatch"
    try:
        entries = _entries(sent, full=full)
    except ValueError:
        return "Failed"
    tags = {} if full else dict(before.tags)
    for tag, entry in entries.items():
        if entry is None:
            tags.pop(tag, None)
        else:
            tags[tag] = entry
    if len(tags) > CAPACITY:
        return "Failed"
    put = tuple(entry for tag, entry in tags.items() if before.tags.get(tag) != entry)
    removed = tuple(tag for tag in before.tags if tag not in tags)
    return Update(LocalList(version, tags), put, removed)


def _entries(sent: Iterable[Payload], *, full: bool) -> dict[str, ListedTag | None]:
    """By case-folded tag; None: to be removed. Raises ValueError for what is no list."""
    found: dict[str, ListedTag | None] = {}
    for each in sent:
        tag = (text_of(each, "idTag") or "").casefold()
        if not 0 < len(tag) <= ID_TAG_LENGTH or tag in found:
            raise ValueError(f"id tag {tag!r} is empty, too long, or there twice")
        if "idTagInfo" in each:
            found[tag] = _entry(tag, member(each, "idTagInfo"))
        elif full:
            raise ValueError(f"id tag {tag!r} has no idTagInfo in a full list")
        else:
            found[tag] = None
    return found


def _entry(tag: str, info: Payload) -> ListedTag:
    expires = None
    if "expiryDate" in info:
        expires = instant(info["expiryDate"])
        if expires is None:
            raise ValueError(f"expiryDate of {tag!r} is no time")
    return ListedTag(tag, Verdict(text_of(info, "status")), expires, text_of(info, "parentIdTag"))

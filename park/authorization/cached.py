"""A card the backend accepted, as it is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from park.model.access import AnswersCommand, Verdict


class Cached(Struct, frozen=True):
    """`until`: known no longer; the backend's expiry, at most 7 days after it was asked."""

    until: datetime
    parent_tag: str | None = None


class Clearing(Struct, frozen=True):
    """Who is told when the cards are forgotten."""

    request_id: str
    reply_to: AnswersCommand


def verdict_of(cache: Mapping[str, Cached], id_tag: str, wall: datetime) -> Verdict | None:
    """Accepted while it is known; None: it is not."""
    found = cache.get(id_tag.casefold())
    return None if found is None or wall >= found.until else Verdict.ACCEPTED

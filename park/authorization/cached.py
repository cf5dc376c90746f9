"""A card the backend accepted, as it is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from park.model.access import AnswersCommand, Verdict


@dataclass(frozen=True, slots=True)
class Cached:
    """`until`: known no longer; the backend's expiry, at most 7 days after it was asked."""

    until: datetime
    parent_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Clearing:
    """Who is told when the cards are forgotten."""

    request_id: str
    reply_to: AnswersCommand


def verdict_of(cache: Mapping[str, Cached], id_tag: str, wall: datetime) -> Verdict | None:
    """Accepted while it is known; None: it is not."""
    found = cache.get(id_tag.casefold())
    return None if found is None or wall >= found.until else Verdict.ACCEPTED

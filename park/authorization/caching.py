"""The authorization cache of OCPP 1.6 §3.4.1: cards the backend accepted, on disk, for a week (B-055, B-114)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from msgspec import DecodeError
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from park.authorization.cached import Cached, Clearing
from park.authorization.messages import ClearCards
from park.authorization.state import Authorizer, Stepped
from park.authorization.teaching import FIRST_TOKEN
from park.model.access import Answer, BackendAuthorized, Done, Refused, Verdict
from park.model.storage import Delete, Put, Row, Write
from park.model.time import Now

TABLE = "authorization_cache"
KEPT = timedelta(days=7)  # B-114
REMEMBERED = 1_000  # bounds memory and disk; the oldest is forgotten first
RENEWED = timedelta(hours=1)  # ours: a card used again sooner is not written again
NO_CACHE = "there is no cache: AuthorizationCacheEnabled is off"
_CACHED: Decoder[Cached] = Decoder(Cached)
_UNANSWERED = 0


def learned(state: Authorizer, answer: BackendAuthorized, now: Now) -> Stepped:
    """Keep a card the backend accepted, forget one it refused."""
    tag = answer.id_tag.casefold()
    if answer.verdict is Verdict.ACCEPTED and state.settings.cache:
        return _kept(state, tag, answer, now)
    if answer.verdict in {Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID} and tag in state.cache:
        cache = {each: cached for each, cached in state.cache.items() if each != tag}
        return replace(state, cache=cache), (Write((Delete(TABLE, tag),), _UNANSWERED),)
    return state, ()


def _kept(state: Authorizer, tag: str, answer: BackendAuthorized, now: Now) -> Stepped:
    until = now.wall + KEPT if answer.expiry is None else min(answer.expiry, now.wall + KEPT)
    cached, before = Cached(until, answer.parent_tag), state.cache.get(tag)
    fresh = before is not None and timedelta(0) <= cached.until - before.until < RENEWED
    if fresh and before is not None and before.parent_tag == cached.parent_tag:
        return state, ()
    others = [each for each in state.cache if each != tag]
    gone = others[: max(0, len(others) - REMEMBERED + 1)]
    cache = {each: state.cache[each] for each in others[len(gone) :]} | {tag: cached}
    rows = (Put(TABLE, tag, encode(cached).decode()), *(Delete(TABLE, each) for each in gone))
    return replace(state, cache=cache), (Write(rows, _UNANSWERED),)


def ordered(state: Authorizer, order: ClearCards) -> Stepped:
    """Answered when the disk has forgotten them too."""
    if not state.settings.cache:
        return state, (Answer(order.reply_to, Refused(order.request_id, NO_CACHE)),)
    token = FIRST_TOKEN + state.token
    rows = tuple(Delete(TABLE, tag) for tag in state.cache)
    waiting = {**state.clearing, token: Clearing(order.request_id, order.reply_to)}
    state = replace(state, cache={}, token=state.token + 1, clearing=waiting)
    return state, (Write(rows, token),)


def cleared(state: Authorizer, token: int, trouble: str | None) -> Stepped:
    """The disk has forgotten the cards, or would not."""
    order = state.clearing[token]
    state = replace(state, clearing={each: order for each, order in state.clearing.items() if each != token})
    answer = Done(order.request_id) if trouble is None else Refused(order.request_id, trouble)
    return state, (Answer(order.reply_to, answer),)


def loaded(state: Authorizer, rows: Iterable[Row]) -> Authorizer:
    """What earlier runs learned, the oldest first; a row that cannot be read is a card that is asked about again."""
    found: list[tuple[str, Cached]] = []
    for row in rows:
        if row.table == TABLE and row.key not in state.cache:
            try:
                found.append((row.key, _CACHED.decode(row.body)))
            except DecodeError:
                continue
    found.sort(key=lambda each: each[1].until)
    return replace(state, cache={**dict(found), **state.cache})

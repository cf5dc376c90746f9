"""The rules a board decides by while its server is away: made here on the server, kept and obeyed there.

Their version is the number of this start, which is on disk before the first rules are told, and a count within it:
so it never goes back, whenever the power goes.
"""

from __future__ import annotations

import math

from msgspec import DecodeError
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from park.authorization import caching, cards, listing, readers, refusals, teaching
from park.authorization.messages import LocalRules, RulesChanged, TaglessTag
from park.authorization.settings import Autocharge
from park.authorization.state import Authorizer, Effects, Stepped, known_tags
from park.model.alarm import Alarm
from park.model.signals import WakeAt
from park.model.storage import CommitFailed, Committed, Load, Put, RowsLoaded, Write
from park.model.time import Now

TABLE = "local_rules"
RUN_KEY, APPLIED_KEY = "run", "applied"
UNANSWERED_TOKEN, RUN_TOKEN = 0, 1
CHANGES_A_RUN = 1_000_000_000  # of one start, at most: the versions of the next lie above
RETRY_SECONDS = 1.0  # a full disk is looked at once a second
LOADED = Load((refusals.TABLE, teaching.TABLE, caching.TABLE, listing.TABLE, TABLE))
_RULES: Decoder[LocalRules] = Decoder(LocalRules)


def loaded(state: Authorizer, event: RowsLoaded) -> Stepped:
    """What earlier runs learned; rules of a server that came in meanwhile are newer than those on disk."""
    kept = {row.key: row.body for row in event.rows if row.table == TABLE}
    if APPLIED_KEY in kept and state.applied is None:
        state, effects = _recovered(state, kept[APPLIED_KEY])
    else:
        effects = ()
    state, more = listing.loaded(state, event.rows)
    effects += more
    if state.applied is None:
        state, more = teaching.loaded(state, event.rows)
        state = replace(state, refused=refusals.merged(event.rows, state.refused))
        state = caching.loaded(state, event.rows)
        effects += more
    run = kept.get(RUN_KEY, "")
    state = replace(state, loaded=True, next_run=(int(run) if run.isdecimal() else 0) + 1)
    return state, (*effects, _run(state))


def committed(state: Authorizer, event: Committed) -> Stepped:
    if event.token == RUN_TOKEN:
        return replace(state, run=state.next_run, retry=math.inf), ()
    if event.token in state.clearing:
        return caching.cleared(state, event.token, None)
    return teaching.kept(state, event.token)


def failed(state: Authorizer, event: CommitFailed, now: Now) -> Stepped:
    """The journal alarms about a disk that refuses; the number of this start is tried again."""
    if event.token == RUN_TOKEN:
        again = now.mono + RETRY_SECONDS
        return replace(state, retry=again), (WakeAt(again),)
    if event.token in state.clearing:
        return caching.cleared(state, event.token, event.reason)
    return teaching.failed(state, event.token, event.reason)


def retried(state: Authorizer, now: Now) -> Stepped:
    if state.retry > now.mono:
        return state, ()
    return replace(state, retry=math.inf), (_run(state),)


def applied(state: Authorizer, rules: LocalRules, now: Now) -> Stepped:
    """Decide by the server's rules from now on; the readers of this board stay as its own file has them."""
    if rules == state.applied:
        return state, ()
    state = replace(_under(state, rules), loaded=True)
    write = Write((Put(TABLE, APPLIED_KEY, encode(rules).decode()),), UNANSWERED_TOKEN)
    state, effects = cards.let_in(state, now, tuple(state.occupancies.values()))
    return state, (write, *effects)


def told(before: Authorizer, state: Authorizer) -> tuple[Authorizer, Effects]:
    """The rules for other boards, when they are new."""
    if state.run == 0 or state.applied is not None:
        return state, ()
    same = (
        before.run == state.run
        and (before.refused is state.refused or before.refused == state.refused)
        and before.taught is state.taught
        and before.boards is state.boards
        and before.reservations is state.reservations
        and before.settings is state.settings
    )
    if same:
        return state, ()
    state = replace(state, changes=state.changes + 1)
    return state, (RulesChanged(_rules(state)),)


def _rules(state: Authorizer) -> LocalRules:
    settings = state.settings
    return LocalRules(
        version=state.run * CHANGES_A_RUN + state.changes,
        mode=settings.mode,
        offline=settings.offline,
        whitelist=tuple(replace(entry, name="") for entry in known_tags(state)),  # whose card it is stays here
        refused=state.refused,
        free_tag=settings.free_tag,
        stop_with_card=settings.stop_with_card,
        readers=readers.all_readers(state),
        reservations=state.reservations,
        autocharge=settings.autocharge,
        tagless=tuple(TaglessTag(connector, tag) for connector, tag in sorted(settings.tagless.items())),
    )


def _run(state: Authorizer) -> Write:
    return Write((Put(TABLE, RUN_KEY, str(state.next_run)),), RUN_TOKEN)


def _recovered(state: Authorizer, body: str) -> Stepped:
    try:
        return _under(state, _RULES.decode(body)), ()
    except DecodeError:
        text = (
            f"the rules board {state.settings.node} got from its server cannot be read: "
            "until the server is reached again it decides by its own file"
        )
        return state, (Alarm("local-rules-unreadable", text),)


def _under(state: Authorizer, rules: LocalRules) -> Authorizer:
    settings = replace(
        state.settings,
        mode=rules.mode,
        offline=rules.offline,
        whitelist=rules.whitelist,
        free_tag=rules.free_tag,
        stop_with_card=rules.stop_with_card,
        autocharge=rules.autocharge or Autocharge(),
        tagless={each.connector: each.tag for each in rules.tagless},
    )
    return replace(
        state,
        settings=settings,
        applied=rules,
        refused=rules.refused,
        taught={},
        whitelist=None,
        reservations=rules.reservations,
    )


def writes(before: Authorizer, state: Authorizer) -> tuple[Write, ...]:
    """Refusals learned or lifted; a board under its server's rules keeps those instead."""
    if state.applied is not None:
        return ()
    rows = refusals.changes(before.refused, state.refused)
    return (Write(rows, UNANSWERED_TOKEN),) if rows else ()

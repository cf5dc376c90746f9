"""What a journal offers to whom: facts nobody has taken, in their order, and again until they are.

To a server that was away, or is another one, the sessions are named first: it says how far it has each, and only what
it has not is offered. So a reconnect in a long outage of the backend costs a name a session and not every reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from park.journal.codec import Entry
from park.journal.state import JournalState
from park.model.session import FactOffered, FactsHeld, FactsKnown
from park.model.signals import WakeAt
from park.model.time import Now

OFFER_AGAIN_SECONDS = 10.0  # ours: the central system answers within a commit; only a crash makes it miss one
NAMED_TOGETHER = 100  # sessions a message names: a frame of 500 such messages stays below gRPC's 4 MiB

Offers: TypeAlias = tuple[FactOffered | FactsHeld | WakeAt, ...]


def offer(state: JournalState, now: Now) -> Offers:
    """Offer what nobody has taken: at once when new, again after a while, always in the order of the numbers."""
    if state.asked and now.mono >= state.answer_by:  # an older version does not answer: it is offered everything
        state.asked.clear()
    if not state.untaken:
        return ()
    effects: list[FactOffered | WakeAt] = []
    wake_at = [state.answer_by] if state.asked else []
    for number in sorted(state.untaken):
        entry = state.untaken[number]
        if entry.fact.session in state.asked:
            continue
        if now.mono >= state.offered_at.get(number, now.mono):
            effects.append(FactOffered(entry.id, entry.fact))
            state.offered_at[number] = now.mono + OFFER_AGAIN_SECONDS
        wake_at.append(state.offered_at[number])
    return (*effects, WakeAt(min(wake_at)))


def ask_again(state: JournalState, now: Now) -> Offers:
    """Whoever took facts may have lost them, or what it said of them: ask about all that is not delivered.

    With it go the delivered facts of sessions that are not over: a server with a new disk knows nothing of their start,
    and to one that knows them they are no news (D2).
    """
    state.untaken = _of_unfinished_sessions(state) | state.unfinished
    state.offered_at.clear()
    state.asked.clear()
    for number in sorted(state.untaken):
        state.asked.setdefault(state.untaken[number].fact.session, []).append(number)
    state.answer_by = now.mono + OFFER_AGAIN_SECONDS
    return (*_named(state), *offer(state, now))


def answered(state: JournalState, known: FactsKnown) -> list[int]:
    """The facts of a session that were asked about."""
    return state.asked.pop(known.session, [])


def _named(state: JournalState) -> Iterator[FactsHeld]:
    sessions = iter(state.asked)
    while together := tuple(islice(sessions, NAMED_TOGETHER)):
        yield FactsHeld(state.journal, together)


def _of_unfinished_sessions(state: JournalState) -> dict[int, Entry]:
    """Delivered facts of sessions that are open, or have others that are not delivered."""
    sessions = {entry.fact.session for entry in state.unfinished.values()}
    sessions |= {known.started.session for known in state.open.values()}
    return {number: entry for number, entry in state.delivered.items() if entry.fact.session in sessions}

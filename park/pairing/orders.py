"""What people order: open and close pairing, make tokens, approve, reject, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from park.config.quantities import NAME_PATTERN
from park.model.access import Done, Refused
from park.model.time import Now
from park.pairing.events import (
    ApproveRequest,
    ClosePairing,
    IssuedToken,
    MakeToken,
    OpenPairing,
    PairingListed,
    RejectRequest,
    RevokeBoard,
)
from park.pairing.joining import admission
from park.pairing.state import Change, Enrolment, Order, OrderAnswered

LONGEST_SECONDS = 7 * 86_400.0  # ours: whoever needs longer than a week has forgotten that it is open
REJECTED = 64  # keys remembered as rejected until pairing is opened again
Decided: TypeAlias = "tuple[Enrolment, Change | OrderAnswered]"


def decided(state: Enrolment, order: Order, now: Now) -> Decided:
    """A change to commit before it is answered, or an answer at once."""
    match order:
        case OpenPairing():
            return _opened(state, order, now)
        case ClosePairing():
            return _closed(state, order)
        case MakeToken():
            return _token(state, order, now)
        case ApproveRequest():
            return _approved(state, order, now)
        case RejectRequest():
            return _rejected(state, order)
        case RevokeBoard():
            return _revoked(state, order, now)
        case _:
            assert_never(order)


def listed(state: Enrolment, now: Now) -> PairingListed:
    closes_at = state.closes_at()
    open_seconds = None if closes_at is None else max(0.0, closes_at - now.mono)
    return PairingListed(
        open_seconds,
        tuple(each for each in state.pending if each.deadline > now.mono),
        tuple(state.boards.values()),
        tuple(each for each in state.tokens.values() if each.deadline > now.mono and not each.spent_by),
    )


def _opened(state: Enrolment, order: OpenPairing, now: Now) -> Decided:
    if not 0.0 < order.seconds <= LONGEST_SECONDS:
        return _refused(state, order, _too_long(order.seconds))
    return _done(replace(state, open_until=now.mono + order.seconds, rejected=()), order)


def _closed(state: Enrolment, order: ClosePairing) -> Decided:
    """Spent tokens go too: they hold pairing open, and their boards are paired."""
    if state.settings.always_open:
        return _refused(state, order, "the server's file keeps it open; remove [pairing] open and restart the server")
    state = replace(state, open_until=0.0)
    if not state.tokens:
        return _done(state, order)
    return state, Change(void=tuple(state.tokens), answer=OrderAnswered(order, Done(order.request_id)))


def _token(state: Enrolment, order: MakeToken, now: Now) -> Decided:
    """The newest token of a node is the only one."""
    if not NAME_PATTERN.fullmatch(order.node) or order.node == state.settings.node:
        return _refused(state, order, f"no board of this park can be called {order.node!r}")
    if not 0.0 < order.seconds <= LONGEST_SECONDS:
        return _refused(state, order, _too_long(order.seconds))
    if state.board_of(order.node) is not None and not order.replace:
        return _refused(state, order, f"{order.node} is paired; if its board was replaced, say --replace")
    expires = now.wall + timedelta(seconds=order.seconds)
    token = IssuedToken(order.digest, order.node, order.replace, now.wall, expires, now.mono + order.seconds)
    void = tuple(each.digest for each in state.tokens.values() if each.node == order.node or each.deadline <= now.mono)
    return state, Change(tokens=(token,), void=void, answer=OrderAnswered(order, Done(order.request_id)))


def _approved(state: Enrolment, order: ApproveRequest, now: Now) -> Decided:
    known = state.boards.get(order.fingerprint)
    if known is not None and known.admitted and known.node == order.node:
        return _done(state, order)
    request = state.request_of(order.node, order.fingerprint)
    if request is None or request.deadline <= now.mono or known is not None:
        return _refused(state, order, f"no board called {order.node} with this key waits: chargepark pair list")
    before = state.board_of(order.node)
    if before is not None and not order.replace:
        since = f"{before.since:%Y-%m-%d}"
        text = f"{order.node} is paired with another key since {since}; if its board was replaced, say --replace"
        return _refused(state, order, text)
    boards = admission(state, order.node, order.fingerprint, "approved", now)
    return state, Change(boards, answer=OrderAnswered(order, Done(order.request_id)))


def _rejected(state: Enrolment, order: RejectRequest) -> Decided:
    request = state.request_of(order.node, order.fingerprint)
    if request is None:
        return _refused(state, order, f"no board called {order.node} with this key waits: chargepark pair list")
    pending = tuple(each for each in state.pending if each is not request)
    rejected = (*state.rejected, (order.node, order.fingerprint))[-REJECTED:]
    return _done(replace(state, pending=pending, rejected=rejected), order)


def _revoked(state: Enrolment, order: RevokeBoard, now: Now) -> Decided:
    board = state.board_of(order.node)
    if board is None:
        return _refused(state, order, f"no paired board is called {order.node}: chargepark pair list")
    gone = replace(board, revoked_at=now.wall, why="revoked")
    return state, Change((gone,), answer=OrderAnswered(order, Done(order.request_id)))


def _too_long(seconds: float) -> str:
    return f"{seconds:g} s is not between 1 s and {LONGEST_SECONDS:g} s"


def _done(state: Enrolment, order: Order) -> Decided:
    return state, OrderAnswered(order, Done(order.request_id))


def _refused(state: Enrolment, order: Order, reason: str) -> Decided:
    return state, OrderAnswered(order, Refused(order.request_id, reason))

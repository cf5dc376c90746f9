"""Whether a board that asks may join: its key is known, or a token, the file or a person says so."""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from park.config.quantities import NAME_PATTERN
from park.model.time import Now
from park.pairing.events import (
    Admitted,
    IssuedToken,
    JoinAnswer,
    JoinPending,
    JoinRefused,
    JoinRequested,
    PairedBoard,
    PendingRequest,
)
from park.pairing.state import Change, Enrolment, JoinAnswered
from park.pairing.token import digest

PENDING_SECONDS = 120.0  # ours: a board asks again every few seconds; who stopped asking is gone
PENDING = 16  # ours: more are not compared by a person in one go
PENDING_OF_PEER = 8  # ours: one host cannot take all places
CLOSED = JoinRefused("pairing is closed; open it on the server: chargepark pair open")
Decided: TypeAlias = "tuple[Enrolment, Change | JoinAnswered]"


def decided(state: Enrolment, request: JoinRequested, now: Now) -> Decided:
    """A change to commit before it is answered, or an answer at once."""
    if not state.is_open(now.mono):  # it may have closed while the request waited for the disk
        return _answered(state, request, CLOSED)
    known = state.boards.get(request.fingerprint)
    if known is not None:
        return _answered(state, request, _of_known_key(known, request))
    if not NAME_PATTERN.fullmatch(request.node) or request.node == state.settings.node:
        return _answered(state, request, JoinRefused(f"no board of this park can be called {request.node[:40]!r}"))
    if (request.node, request.fingerprint) in state.rejected:
        return _answered(state, request, JoinRefused("a person rejected this board"))
    if request.secret is not None:
        return _by_token(state, request, request.secret, now)
    if request.fingerprint in state.settings.fingerprints:
        if state.board_of(request.node) is None:
            return state, _admission(state, request, "listed", now)
        return _by_person(state, request, _taken(request.node), now)
    return _by_person(state, request, "", now)


def admission(state: Enrolment, node: str, fingerprint: str, why: str, now: Now) -> tuple[PairedBoard, ...]:
    """The new key of a node; the one before stays known as replaced."""
    before = state.board_of(node)
    replaced = () if before is None else (replace(before, revoked_at=now.wall, why="replaced"),)
    return (*replaced, PairedBoard(node, fingerprint, now.wall, why))


def _of_known_key(board: PairedBoard, request: JoinRequested) -> JoinAnswer:
    if not board.admitted:
        text = "this board's key was revoked, for ever; remove its board.key, board.pem and ca.pem, and pair it again"
        return JoinRefused(text)
    if board.node != request.node:
        return JoinRefused(f"this key is board {board.node}; a board has one name: revoke {board.node} to give another")
    return Admitted(board.node, board.fingerprint)


def _by_token(state: Enrolment, request: JoinRequested, secret: bytes, now: Now) -> Decided:
    token = state.tokens.get(digest(secret))
    refusal = _token_refusal(token, request, now)
    if token is None or refusal is not None:
        return _answered(state, request, refusal or CLOSED)
    if state.board_of(request.node) is not None and not token.replace:
        return _by_person(state, request, f"{_taken(request.node)}, and the token was not made with --replace", now)
    change = _admission(state, request, "token", now)
    return state, replace(change, tokens=(replace(token, spent_by=request.fingerprint),))


def _token_refusal(token: IssuedToken | None, request: JoinRequested, now: Now) -> JoinRefused | None:
    again = "make a new one on the server: chargepark pair token"
    if token is None or token.deadline <= now.mono:
        return JoinRefused(f"this token has expired or is not of this server; {again}")
    if token.spent_by:  # the key that spent it is known, and was answered before
        return JoinRefused(f"this token was used by another board; {again}")
    if token.node != request.node:
        return JoinRefused(f"this token is for board {token.node}; {again}")
    return None


def _admission(state: Enrolment, request: JoinRequested, why: str, now: Now) -> Change:
    boards = admission(state, request.node, request.fingerprint, why, now)
    return Change(boards, answer=JoinAnswered(request, Admitted(request.node, request.fingerprint)))


def _by_person(state: Enrolment, request: JoinRequested, reason: str, now: Now) -> Decided:
    """Waiting requests stay in memory: strangers cause no write, and a board asks again every few seconds."""
    others = tuple(
        each
        for each in state.pending
        if each.deadline > now.mono and (each.node, each.fingerprint) != (request.node, request.fingerprint)
    )
    if len(others) >= PENDING or sum(each.peer == request.peer for each in others) >= PENDING_OF_PEER:
        refusal = JoinRefused("too many boards wait for a person; approve or reject them", PENDING_SECONDS / 2)
        return _answered(state, request, refusal)
    before = state.request_of(request.node, request.fingerprint)
    since = now.wall if before is None else before.since
    waits = PendingRequest(request.node, request.fingerprint, request.peer, since, now.mono + PENDING_SECONDS)
    return _answered(replace(state, pending=(*others, waits)), request, JoinPending(reason))


def _answered(state: Enrolment, request: JoinRequested, answer: JoinAnswer) -> Decided:
    return state, JoinAnswered(request, answer)


def _taken(node: str) -> str:
    return f"{node} is paired with another key"

"""The enrolment: who belongs to the park, decided by people, tokens and the file, and on disk before it is said.

One commit is under way at a time; what arrives meanwhile waits, so that each decision sees the one before. A token is
spent by the commit that admits the key. A board that lost the answer asks again with the same key and gets its
certificate, however it was admitted; another key never does.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from park.model.access import Refused
from park.model.alarm import Alarm
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, Delete, Load, RowsLoaded, Write
from park.model.time import Now
from park.pairing import joining, orders, rows
from park.pairing.events import (
    BoardRevoked,
    BoardsAdmitted,
    CertificateIssued,
    JoinRefused,
    JoinRequested,
    ListPairing,
    PairedBoard,
    PairingPortWanted,
    RevokeBoard,
)
from park.pairing.rate import asked
from park.pairing.state import (
    Change,
    Enrolment,
    EnrolmentEffect,
    EnrolmentEvent,
    JoinAnswered,
    ListAnswered,
    OrderAnswered,
    Request,
    Writing,
)

RELOAD_SECONDS = 15.0  # ours: the store reads its rows in less
WAITING = 64  # boards whose request waits for the disk; ours: more than a park that pairs all boards at once
BUSY_SECONDS = 1.0  # ours: the disk takes a commit in less

Stepped: TypeAlias = "tuple[Enrolment, tuple[EnrolmentEffect, ...]]"


def step(state: Enrolment, event: EnrolmentEvent, now: Now) -> Stepped:
    """Take in one event. Nobody is admitted before the rows are loaded, nor while pairing is closed."""
    state, effects = _take(state, event, now)
    return _port(state, effects, now)


def _take(state: Enrolment, event: EnrolmentEvent, now: Now) -> Stepped:
    match event:
        case Start():
            return replace(state, load_again_at=now.mono + RELOAD_SECONDS), _load(now)
        case Tick():
            return _ticked(state, now)
        case RowsLoaded():
            return _loaded(state, event, now)
        case Committed(token):
            return _committed(state, token, now)
        case CommitFailed(token, reason):
            return _failed(state, token, reason, now)
        case JoinRequested():
            return _join(state, event, now)
        case _:
            return _request(state, event, now)


# ---------------------------------------------------------------- requests


def _join(state: Enrolment, request: JoinRequested, now: Now) -> Stepped:
    """What strangers can reach is bounded before it is thought about."""
    if not state.loaded:
        return state, (JoinAnswered(request, JoinRefused("the server is just starting", BUSY_SECONDS)),)
    if not state.is_open(now.mono):
        return state, (JoinAnswered(request, joining.CLOSED),)
    rate, wait = asked(state.rate, request.peer, now.mono)
    state = replace(state, rate=rate)
    if wait > 0.0:
        return state, (JoinAnswered(request, JoinRefused("too many requests to join", wait)),)
    if sum(isinstance(each, JoinRequested) for each in state.waiting) >= WAITING:
        return state, (JoinAnswered(request, JoinRefused("the server is busy", BUSY_SECONDS)),)
    return _request(state, request, now)


def _request(state: Enrolment, request: Request, now: Now) -> Stepped:
    if not state.loaded or state.writing is not None:
        return replace(state, waiting=(*state.waiting, request)), ()
    match request:
        case JoinRequested():
            state, outcome = joining.decided(state, request, now)
        case CertificateIssued():
            outcome = _issued(state, request)
        case ListPairing():
            return state, (ListAnswered(request, orders.listed(state, now)),)
        case _:
            state, outcome = orders.decided(state, request, now)
    return _written(state, request, outcome) if isinstance(outcome, Change) else (state, _told(outcome))


def _told(outcome: JoinAnswered | OrderAnswered | None) -> tuple[EnrolmentEffect, ...]:
    return () if outcome is None else (outcome,)


def _issued(state: Enrolment, issued: CertificateIssued) -> Change | None:
    board = state.boards.get(issued.fingerprint)
    if board is None or not board.admitted or board.serial == issued.serial:
        return None
    return Change(boards=(replace(board, serial=issued.serial, until=issued.until),))


def _drained(state: Enrolment, now: Now) -> Stepped:
    """Serve what waited, until one of them needs the disk again."""
    effects: tuple[EnrolmentEffect, ...] = ()
    while state.waiting and state.writing is None:
        first, state = state.waiting[0], replace(state, waiting=state.waiting[1:])
        state, more = _request(state, first, now)
        effects += more
    return state, effects


# ---------------------------------------------------------------- disk


def _load(now: Now) -> tuple[EnrolmentEffect, ...]:
    return (Load(rows.TABLES), WakeAt(now.mono + RELOAD_SECONDS))


def _loaded(state: Enrolment, event: RowsLoaded, now: Now) -> Stepped:
    if state.loaded:
        return state, ()
    boards, tokens, alarms = rows.read(event.rows, now)
    state = replace(
        state,
        loaded=True,
        boards={board.fingerprint: board for board in boards},
        tokens={token.digest: token for token in tokens},
    )
    state, effects = _drained(state, now)
    return state, (*alarms, _admitted(state), *effects)


def _written(state: Enrolment, cause: Request, change: Change) -> Stepped:
    token = state.commits + 1
    writes = (
        *(rows.token_row(each) for each in change.tokens),
        *(rows.board_row(each) for each in change.boards),
        *(Delete(rows.TOKENS, each) for each in change.void),
    )
    return replace(state, commits=token, writing=Writing(token, cause, change)), (Write(writes, token),)


def _committed(state: Enrolment, token: int, now: Now) -> Stepped:
    writing = state.writing
    if writing is None or writing.token != token:
        return state, ()
    state, told = _changed(replace(state, writing=None), writing.change)
    state, effects = _drained(state, now)
    return state, (*told, *_told(writing.change.answer), *effects)


def _failed(state: Enrolment, token: int, reason: str, now: Now) -> Stepped:
    """The disk refused: nothing has changed, except that who was to be revoked is out until the node restarts."""
    writing = state.writing
    if writing is None or writing.token != token:
        return state, ()
    state, told = replace(state, writing=None), ()
    if isinstance(writing.cause, RevokeBoard):
        state, told = _changed(state, writing.change)
    state, effects = _drained(state, now)
    alarm = Alarm("pairing-disk", f"pairing cannot be written: {reason}; free the disk and say it again")
    return state, (alarm, *told, *_told(_refusal(writing.cause, reason)), *effects)


def _refusal(cause: Request, reason: str) -> JoinAnswered | OrderAnswered | None:
    match cause:
        case JoinRequested():
            return JoinAnswered(cause, JoinRefused("the server's disk refuses it", RELOAD_SECONDS))
        case CertificateIssued() | ListPairing():
            return None
        case RevokeBoard():
            text = f"refused from now on, but the disk does not take it ({reason}): free the disk and revoke again"
            return OrderAnswered(cause, Refused(cause.request_id, text))
        case _:
            return OrderAnswered(cause, Refused(cause.request_id, f"the disk does not take it: {reason}"))


def _changed(state: Enrolment, change: Change) -> Stepped:
    """Boards and tokens as the change has them, and whoever has to know."""
    tokens = {**state.tokens, **{token.digest: token for token in change.tokens}}
    for digest in change.void:
        tokens.pop(digest, None)
    boards = {**state.boards, **{board.fingerprint: board for board in change.boards}}
    revoked = tuple(
        BoardRevoked(board.node, board.fingerprint)
        for board in change.boards
        if not board.admitted and _was_admitted(state, board)
    )
    paired = {board.fingerprint for board in change.boards}
    pending = tuple(each for each in state.pending if each.fingerprint not in paired)
    state = replace(state, tokens=tokens, boards=boards, pending=pending)
    return state, ((_admitted(state), *revoked) if change.boards else ())


def _was_admitted(state: Enrolment, board: PairedBoard) -> bool:
    before = state.boards.get(board.fingerprint)
    return before is not None and before.admitted


def _admitted(state: Enrolment) -> BoardsAdmitted:
    return BoardsAdmitted({board.fingerprint: board.node for board in state.boards.values() if board.admitted})


# ---------------------------------------------------------------- time


def _ticked(state: Enrolment, now: Now) -> Stepped:
    if not state.loaded:
        if now.mono < state.load_again_at:
            return state, (WakeAt(state.load_again_at),)
        return replace(state, load_again_at=now.mono + RELOAD_SECONDS), _load(now)
    return replace(state, pending=tuple(each for each in state.pending if each.deadline > now.mono)), ()


def _port(state: Enrolment, effects: tuple[EnrolmentEffect, ...], now: Now) -> Stepped:
    """Tell the port what changed for it, and wake up when pairing closes."""
    wanted = state.is_open(now.mono)
    if wanted is not state.port:
        effects = (*effects, PairingPortWanted(wanted))
    closes_at = state.closes_at()
    if wanted and closes_at is not None:
        effects = (*effects, WakeAt(closes_at))
    return replace(state, port=wanted), effects

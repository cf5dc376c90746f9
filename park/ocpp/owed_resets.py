"""Resets that boards owe: a board that was away when the backend ordered one does it when it is back, once.

What a board owes is on disk before it is ordered, with the run of its program that has to end: another run, whoever
ended that one, owes nothing. A session that began since the order pays for it too (interfaces, "One identity, many
boards"): nobody's charging is ended for a reset of long ago.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from msgspec.structs import replace

from park.exchange.messages import BoardHere
from park.model.session import SessionFact, SessionStarted
from park.model.storage import Delete, Put, Row
from park.model.time import Now
from park.ocpp import queue
from park.ocpp.state import CentralSystem, Here, Owed, Resetting
from park.ocpp.wire import instant, iso

TABLE = "owed_resets"
QUIET_SECONDS = 15.0  # ours: a journal waits 10 s to be asked for its facts, then offers them all


def board_of(point: str) -> str:
    return point.partition("/")[0]


def others(state: CentralSystem, boards: Iterable[str] | None) -> tuple[str, ...]:
    """The other boards of the park among these; None: all of them."""
    known = {board_of(point) for point in state.settings.points.values()} - {state.settings.node}
    return tuple(sorted(known if boards is None else known.intersection(boards)))


def heard(state: CentralSystem, event: BoardHere, now: Now) -> CentralSystem:
    """Which run of a board's program is connected. A repeat is no return."""
    before = state.boards_here.get(event.node)
    if event.boot is None:
        return replace(state, boards_here={node: at for node, at in state.boards_here.items() if node != event.node})
    if before is not None and before.boot == event.boot:
        return state
    here = Here(event.boot, now.mono, now.mono + QUIET_SECONDS)
    return replace(state, boards_here={**state.boards_here, event.node: here})


def noted(state: CentralSystem, fact: SessionFact, now: Now) -> CentralSystem:
    """A fact of a board that owes a reset: it has more to tell, and may not owe it any more."""
    board = board_of(fact.charge_point)
    owed = state.owed.get(board)
    if owed is None:
        return state
    state = postponed(state, board, now.mono + QUIET_SECONDS)
    if not isinstance(fact, SessionStarted) or not _began_since(state, owed, fact):
        return state
    resetting = state.resetting
    if resetting is not None and resetting.boards == (board,) and not resetting.ordered:
        state = replace(state, resetting=None)
    return replace(state, owed={**state.owed, board: replace(owed, paid=True)})


def postponed(state: CentralSystem, board: str, until: float) -> CentralSystem:
    """Not before `until` (mono); a board that is away waits anyhow."""
    here = state.boards_here.get(board)
    if here is None:
        return state
    return replace(state, boards_here={**state.boards_here, board: replace(here, quiet_from=until)})


def _began_since(state: CentralSystem, owed: Owed, start: SessionStarted) -> bool:
    """When nobody knows the time of the one or the other, a session that is new to us did."""
    if owed.at is None or start.undated is not None:
        return not queue.is_known(state.queue, start.session)
    return start.at > owed.at


def ordered(state: CentralSystem, resetting: Resetting, now: Now) -> tuple[CentralSystem, tuple[Put, ...]]:
    """Boards are about to be told; the rows have to be on disk before. One that owed a reset keeps the date of it."""
    owing: dict[str, Owed] = {}
    for board in others(state, resetting.boards):
        here, before = state.boards_here.get(board), state.owed.get(board)
        at = resetting.at if resetting.boards is None or before is None else before.at
        owing[board] = Owed(resetting.hard, at, None if here is None else here.boot, now.mono)
    rows = state.queue.rows
    puts = tuple(Put(TABLE, rows.key(board), _body(owed)) for board, owed in owing.items())
    return replace(state, owed={**state.owed, **owing}), puts


def paid(state: CentralSystem) -> tuple[CentralSystem, tuple[Delete, ...]]:
    """Forget what is not owed any more: another run is here, or a session began."""
    done = [board for board, owed in state.owed.items() if owed.paid or _runs_anew(state, board, owed)]
    left = {board: owed for board, owed in state.owed.items() if board not in done}
    rows = tuple(Delete(TABLE, state.queue.rows.key(board)) for board in done)
    return (replace(state, owed=left), rows) if done else (state, ())


def _runs_anew(state: CentralSystem, board: str, owed: Owed) -> bool:
    here = state.boards_here.get(board)
    return here is not None and owed.boot is not None and here.boot != owed.boot


def due_at(state: CentralSystem, board: str) -> float | None:
    """When a board that owes a reset may be told, mono; None: it is away, or was told since it came."""
    here, owed = state.boards_here.get(board), state.owed[board]
    if here is None or (owed.ordered is not None and owed.ordered >= here.since):
        return None
    return here.quiet_from


def loaded(state: CentralSystem, rows: tuple[Row, ...]) -> CentralSystem:
    """What is owed by boards that are still placed; whom a session of theirs has paid for since is seen here too."""
    owed: dict[str, Owed] = {}
    for key, body in state.queue.rows.mine(rows, TABLE):
        found = _owed(body)
        if found is not None and key in others(state, None):
            owed[key] = found
    for known in state.queue.transactions.all_running():
        board = board_of(known.start.charge_point)
        if (at := owed[board].at if board in owed else None) is not None and known.start.at > at:
            owed[board] = replace(owed[board], paid=True)
    return replace(state, owed=owed)


def _body(owed: Owed) -> str:
    return json.dumps({"hard": owed.hard, "at": None if owed.at is None else iso(owed.at), "boot": owed.boot})


def _owed(body: str) -> Owed | None:
    """None: a damaged row, which costs nothing but a reset."""
    try:
        row = cast("dict[str, object]", json.loads(body))
        boot = row["boot"]
        return Owed(bool(row["hard"]), instant(row["at"]), boot if isinstance(boot, str) else None)
    except (ValueError, KeyError, TypeError):
        return None

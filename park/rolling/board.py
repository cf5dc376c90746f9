"""A board's side: it fetches what its server offers, checks it, and installs it when it is given its turn.

Every stage is on disk before it is acted on. What a restart finds in the stage INSTALLING was interrupted by it: the
version that runs now tells whether the installer was done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypedDict, cast

from msgspec import Struct, field
from msgspec.structs import replace

from park.model.storage import CommitFailed, Committed, Put, Row, Write
from park.model.time import Now
from park.rolling.messages import (
    BoardStage,
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
)

FIRMWARE_TABLE = "board_firmware"
FIRMWARE_KEY = "newest"
PIECE_AGAIN_SECONDS = 5.0  # ours: a piece that does not come is asked for again
MOST_TRANSFERS = 2  # ours: a file spoilt on its way, or by a power cut, is fetched anew once
INTERRUPTED = "the installer was interrupted by a restart, and the version is the one of before"
NO_INSTALLER = "it has no [maintenance] installer"


class Held(Struct, frozen=True):
    """What this board knows of the newest update. `running`: version that began the installation.

    `expected`: what the installer says will run, empty when it does not say. `boot`: of the process that installs.
    """

    update: str
    size: int
    sha256: str
    certificate: str
    signature: str
    stage: BoardStage = BoardStage.FETCHING
    turn: int = 0
    running: str = ""
    expected: str = ""
    boot: str = ""
    problem: str = ""

    @property
    def is_open(self) -> bool:
        return self.stage not in {BoardStage.DONE, BoardStage.FAILED}

    @property
    def ends_process(self) -> bool:
        """Whether a restart is near, so that nothing else may begin."""
        return self.stage in {BoardStage.INSTALLING, BoardStage.INSTALLED}


class BoardFacts(Struct, frozen=True):
    """`most_bytes`: a larger file is refused. `with_sessions`: install and restart although vehicles charge (B-386)."""

    version: str
    boot: str
    installer: bool
    most_bytes: int
    with_sessions: bool = False


# ------------------------------------------------------------ events beside the server's


class PieceKept(Struct, frozen=True):
    """`size`: bytes of the file that are on disk now. `problem`: why no more are."""

    update: str
    size: int
    problem: str = ""


class FileChecked(Struct, frozen=True):
    """`spoilt`: its bytes are not those that were offered."""

    update: str
    problem: str = ""
    spoilt: bool = False


class FileInstalled(Struct, frozen=True):
    """As the installer of the server's own firmware ends: `version` of its last line, `problem` empty: done."""

    update: str
    version: str = ""
    problem: str = ""


class Looked(Struct, frozen=True):
    """Once a second. `busy`: vehicles charge."""

    busy: bool


FromServer: TypeAlias = FirmwareAsked | FirmwareOffered | FirmwareOrdered | FirmwarePiece
BoardEvent: TypeAlias = FromServer | PieceKept | FileChecked | FileInstalled | Looked | Committed | CommitFailed


# ------------------------------------------------------------ effects beside `FirmwareStanding` and `FirmwareWanted`


class BeginFile(Struct, frozen=True):
    """Go on with what is there of this file, or begin it; `anew`: what is there is of no use. → `PieceKept`."""

    held: Held
    anew: bool = False


class KeepPiece(Struct, frozen=True):
    """Write it there. → `PieceKept`."""

    held: Held
    offset: int
    body: bytes


class CheckFile(Struct, frozen=True):
    """→ `FileChecked`."""

    held: Held


class InstallFile(Struct, frozen=True):
    """→ `FileInstalled`."""

    held: Held


class ForgetFile(Struct, frozen=True):
    held: Held


class RestartBoard(Struct, frozen=True):
    """End in order and start again."""


BoardEffect: TypeAlias = (
    FirmwareStanding
    | FirmwareWanted
    | BeginFile
    | KeepPiece
    | CheckFile
    | InstallFile
    | ForgetFile
    | RestartBoard
    | Write
)
Effects: TypeAlias = tuple[BoardEffect, ...]


class BoardState(Struct, frozen=True):
    """`have`: bytes of the file on disk, None: the disk is at it. `asked`: mono of the newest question for a piece.

    `pulls`: the server offered it since this process began. `transfers`: how often the file was begun.
    `commits`: what happens when a write is on disk, by token. `leaving`: the restart is ordered.
    """

    facts: BoardFacts
    held: Held | None = None
    busy: bool = True
    have: int | None = None
    asked: float = 0.0
    pulls: bool = False
    transfers: int = 0
    commits: Mapping[int, Effects] = field(default_factory=dict[int, Effects])
    next_token: int = 1
    leaving: bool = False


Turn: TypeAlias = tuple[BoardState, Effects]


def restore(facts: BoardFacts, rows: Iterable[Row]) -> Turn:
    """What the disk knows; how an installation ended that a restart of the process followed."""
    body = next((row.body for row in rows if (row.table, row.key) == (FIRMWARE_TABLE, FIRMWARE_KEY)), "")
    held, state = held_of(body), BoardState(facts)
    if held is None or not held.ends_process or held.boot == facts.boot:
        return replace(state, held=held), ()
    interrupted = held.stage is BoardStage.INSTALLING and facts.version == held.running
    other = held.stage is BoardStage.INSTALLED and held.expected not in {"", facts.version}
    problem = INTERRUPTED if interrupted else ""
    problem = f"version {held.expected} was to run now, and {facts.version} does" if other else problem
    return _ended(replace(state, held=held), held, problem)


def step(state: BoardState, event: BoardEvent, now: Now) -> Turn:
    """What the server, the disk, the installer or the clock says."""
    match event:
        case FirmwareAsked(update):
            return state, (_standing(state, update),)
        case FirmwareOffered():
            return _offered(state, event, now)
        case FirmwareOrdered():
            return _ordered(state, event)
        case FirmwarePiece():
            return _arrived(state, event)
        case PieceKept():
            return _kept(state, event, now)
        case FileChecked():
            return _checked(state, event)
        case FileInstalled():
            return _installed(state, event)
        case Looked():
            return _looked(state, event, now)
        case Committed(token):
            rest = {key: then for key, then in state.commits.items() if key != token}
            return replace(state, commits=rest), state.commits.get(token, ())
        case CommitFailed(token, reason):
            return _unwritten(state, token, reason)


def _standing(state: BoardState, update: str) -> FirmwareStanding:
    version, held = state.facts.version, state.held
    if held is not None and held.update == update:
        return FirmwareStanding(update, held.stage, held.turn, state.busy, version, held.problem)
    stage, problem = (BoardStage.NONE, "") if state.facts.installer else (BoardStage.UNABLE, NO_INSTALLER)
    return FirmwareStanding(update, stage, 0, state.busy, version, problem)


def _to(state: BoardState, held: Held, *then: BoardEffect) -> Turn:
    """A new stage: on disk, then the rest, and the server hears of it."""
    token = state.next_token
    state = replace(state, held=held, next_token=token + 1)
    commits = {**state.commits, token: (*then, _standing(state, held.update))}
    return replace(state, commits=commits), (Write((put(held),), token),)


def _unwritten(state: BoardState, token: int, reason: str) -> Turn:
    """Nothing begins that is not on disk: the server hears why."""
    if token not in state.commits or state.held is None:
        return state, ()
    rest = {key: then for key, then in state.commits.items() if key != token}
    held = replace(state.held, stage=BoardStage.FAILED, problem=f"its disk takes nothing ({reason}): free it")
    state = replace(state, held=held, commits=rest)
    return state, (_standing(state, held.update),)


def _ended(state: BoardState, held: Held, problem: str) -> Turn:
    stage = BoardStage.FAILED if problem else BoardStage.DONE
    return _to(state, replace(held, stage=stage, problem=problem), ForgetFile(held))


# ------------------------------------------------------------ the file comes


def _offered(state: BoardState, offered: FirmwareOffered, now: Now) -> Turn:
    held = state.held
    if held is not None and held.update == offered.update:
        return _offered_again(state, held)
    if not state.facts.installer or (held is not None and held.ends_process):
        return state, (_standing(state, offered.update),)
    held = Held(offered.update, offered.size, offered.sha256, offered.certificate, offered.signature)
    state = replace(state, have=None, pulls=True, transfers=1, asked=now.mono)
    if not 0 < offered.size <= state.facts.most_bytes:
        return _ended(state, held, f"{offered.size} bytes are more than its [maintenance] firmware_mb allows")
    return _to(state, held, BeginFile(held))


def _offered_again(state: BoardState, held: Held) -> Turn:
    told = (_standing(state, held.update),)
    if held.stage is not BoardStage.FETCHING or state.pulls:
        return state, told
    return replace(state, pulls=True, transfers=1), (BeginFile(held), *told)


def _arrived(state: BoardState, piece: FirmwarePiece) -> Turn:
    held = state.held
    if held is None or piece.update != held.update or held.stage is not BoardStage.FETCHING:
        return state, ()
    if piece.problem:
        return _ended(state, held, f"the server has no file for it: {piece.problem}")
    if piece.offset != state.have or not piece.body:  # asked for twice
        return state, ()
    return replace(state, have=None), (KeepPiece(held, piece.offset, piece.body),)


def _kept(state: BoardState, kept: PieceKept, now: Now) -> Turn:
    held = state.held
    if held is None or kept.update != held.update or held.stage is not BoardStage.FETCHING:
        return state, ()
    if kept.problem:
        return _ended(state, held, kept.problem)
    if kept.size >= held.size:
        return state, (CheckFile(held),)
    return _pull(replace(state, have=kept.size), held, now)


def _pull(state: BoardState, held: Held, now: Now) -> Turn:
    return replace(state, asked=now.mono), (FirmwareWanted(held.update, state.have or 0),)


def _checked(state: BoardState, checked: FileChecked) -> Turn:
    held = state.held
    if held is None or checked.update != held.update or held.stage is not BoardStage.FETCHING:
        return state, ()
    if not checked.problem:
        return _to(state, replace(held, stage=BoardStage.CHECKED))
    if checked.spoilt and state.transfers < MOST_TRANSFERS:
        return replace(state, have=None, transfers=state.transfers + 1), (BeginFile(held, anew=True),)
    return _ended(state, held, checked.problem)


# ------------------------------------------------------------ its turn


def _ordered(state: BoardState, order: FirmwareOrdered) -> Turn:
    """Each turn is taken once: the server goes on with another board when this one said that it is busy."""
    held = state.held
    if held is None or held.update != order.update or held.stage is not BoardStage.CHECKED or order.turn <= held.turn:
        return state, (_standing(state, order.update),)
    held = replace(held, turn=order.turn)
    if state.busy:
        return _to(state, held)
    facts = state.facts
    held = replace(held, stage=BoardStage.INSTALLING, running=facts.version, boot=facts.boot)
    return _to(state, held, InstallFile(held))


def _installed(state: BoardState, event: FileInstalled) -> Turn:
    held = state.held
    if held is None or event.update != held.update or held.stage is not BoardStage.INSTALLING:
        return state, ()
    if event.problem:
        return _ended(state, held, event.problem)
    return _to(state, replace(held, stage=BoardStage.INSTALLED, expected=event.version))


def _looked(state: BoardState, look: Looked, now: Now) -> Turn:
    busy = look.busy and not state.facts.with_sessions
    held, changed = state.held, busy is not state.busy
    state = replace(state, busy=busy)
    if held is None or state.commits:
        return state, ()
    match held.stage:
        case BoardStage.FETCHING if state.pulls and state.have is not None:
            return _pull(state, held, now) if now.mono >= state.asked + PIECE_AGAIN_SECONDS else (state, ())
        case BoardStage.CHECKED if changed:
            return state, (_standing(state, held.update),)
        case BoardStage.INSTALLED if not busy and not state.leaving:
            return replace(state, leaving=True), (RestartBoard(),)
        case _:
            return state, ()


# ------------------------------------------------------------ on disk


class _HeldRow(TypedDict):
    update: str
    size: int
    sha256: str
    certificate: str
    signature: str
    stage: str
    turn: int
    running: str
    expected: str
    boot: str
    problem: str


def put(held: Held) -> Put:
    row: _HeldRow = {
        "update": held.update,
        "size": held.size,
        "sha256": held.sha256,
        "certificate": held.certificate,
        "signature": held.signature,
        "stage": held.stage.value,
        "turn": held.turn,
        "running": held.running,
        "expected": held.expected,
        "boot": held.boot,
        "problem": held.problem,
    }
    return Put(FIRMWARE_TABLE, FIRMWARE_KEY, json.dumps(row, separators=(",", ":")))


def held_of(body: str) -> Held | None:
    """None when there is none, or the row cannot be read: the server offers the file anew."""
    try:
        row = cast("_HeldRow", json.loads(body))
        return Held(
            str(row["update"]),
            int(row["size"]),
            str(row["sha256"]),
            str(row["certificate"]),
            str(row["signature"]),
            BoardStage(row["stage"]),
            int(row["turn"]),
            str(row["running"]),
            str(row["expected"]),
            str(row["boot"]),
            str(row["problem"]),
        )
    except (ValueError, KeyError, TypeError):
        return None

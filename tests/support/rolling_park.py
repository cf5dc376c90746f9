"""A server and its boards in virtual time: a lossy link between them, disks that survive kills, installers that end.

Everything that decides is real; files, installers and the wire are not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from msgspec.structs import replace
from support.station import ACCEPTED, WALL, Station

from park.model.session import SessionFact
from park.model.storage import CommitFailed, Committed, Put, Row, Write
from park.model.time import Now
from park.ocpp.effects import RestartBoards
from park.ocpp.link import SendCall
from park.ocpp.maintenance import (
    DropFirmware,
    FetchFirmware,
    FirmwareFetched,
    FirmwareInstalled,
    InstallFirmware,
    KeepFirmware,
    TrustKnown,
)
from park.ocpp.messages import Station as Plate
from park.ocpp.state import initial
from park.ocpp.wire import iso
from park.rolling import board
from park.rolling.board import (
    BeginFile,
    BoardEffect,
    BoardEvent,
    BoardFacts,
    BoardState,
    CheckFile,
    FileChecked,
    FileInstalled,
    ForgetFile,
    InstallFile,
    KeepPiece,
    Looked,
    PieceKept,
    RestartBoard,
)
from park.rolling.messages import (
    BoardFirmware,
    BoardStage,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
    TellBoard,
)

OLD, NEW = "1.0", "2.0"
FILE = bytes(range(250))
PIECE = 100
SHA = "ab" * 32
URL = "https://maker.example/firmware.bin"


@dataclass
class Board:
    """A client board. `outcome`: what its installer will say; `runs`: how often it was run; `installer`: it has one.

    `version` changes when its installer has ended well. `spoils`: so many files are spoilt on their way.
    `takes`: its disk takes rows. `deaf`: it gets no pieces.
    """

    name: str
    version: str = OLD
    installer: bool = True
    outcome: str = ""
    announces: str = NEW
    busy: bool = False
    spoils: int = 0
    takes: bool = True
    deaf: bool = False
    runs: int = 0
    boots: int = 0
    up: bool = False
    linked: bool = True
    disk: dict[tuple[str, str], str] = field(default_factory=dict)
    file: bytes = b""
    state: BoardState | None = None
    installing: InstallFile | None = None

    @property
    def stage(self) -> BoardStage:
        held = None if self.state is None else self.state.held
        return BoardStage.NONE if held is None else held.stage


class RollingPark:
    """Told time by `run`. `said`: what boards were told. `drop`: nothing arrives. `pieces`: the server hands them out.

    `overlaps`: boards that were at it at the same time. `outcome`: of the server's own installer.
    """

    def __init__(self, *names: str, boards: tuple[str, ...] | None = None) -> None:
        self.boards = {name: Board(name) for name in names}
        self.station = Station()
        self.station.settings = replace(self.station.settings, boards=names if boards is None else boards, boot="s0")
        self.station.state = initial(self.station.settings)
        self.seen, self.boots = 0, itertools.count(1)
        self.said: list[TellBoard] = []
        self.drop = False
        self.pieces = True
        self.outcome = ""
        self.installs = 0
        self.downloads = 0
        self.kept = ""
        self.has_file = False
        self.overlaps: list[tuple[str, ...]] = []
        self.station.online()
        self._trust()
        for each in self.boards.values():
            self.start(each)
        self.deliver()

    def _trust(self) -> None:
        self.station.tell(TrustKnown(1, station_certificate=False, installer=True))

    @property
    def now(self) -> Now:
        return self.station.now()

    # ------------------------------------------------------------ what tests do

    def order(self, *facts: SessionFact) -> None:
        self.station.offer(*facts)
        self.station.ask("UpdateFirmware", {"location": URL, "retrieveDate": iso(WALL)})
        self.deliver()

    def run(self, seconds: int, stride: int = 1) -> None:
        for _ in range(0, seconds, stride):
            self.station.pass_time(stride)
            self.deliver()
            for each in self.boards.values():
                if each.up:
                    self.tell(each, Looked(each.busy))
            self.deliver()

    def installers_end(self) -> None:
        """All that run."""
        for each in self.boards.values():
            order, each.installing = each.installing, None
            if order is not None and each.up:
                if not each.outcome:
                    each.version = NEW
                said = each.announces if not each.outcome else ""
                self.tell(each, FileInstalled(order.held.update, said, each.outcome))
        self.deliver()

    def kill(self, each: Board, *, done: bool = False) -> None:
        """Kill −9; `done`: its installer was through, whatever it had time to say."""
        if each.installing is not None and done:
            each.version = NEW
        each.up, each.state, each.installing = False, None, None

    def start(self, each: Board) -> None:
        each.boots += 1
        facts = BoardFacts(each.version, f"{each.name}-{each.boots}", each.installer, 1000)
        rows = [Row(table, key, body) for (table, key), body in each.disk.items()]
        each.state, effects = board.restore(facts, rows)
        each.up = True
        self._perform(each, effects)

    def kill_server(self, version: str | None = None) -> None:
        """Kill −9 and start again at once."""
        plate = Plate("ACME", "Garage 12", firmware=version or self.station.settings.station.firmware)
        boot = f"s{next(self.boots)}"
        self.station.settings = replace(self.station.settings, station=plate, boot=boot)
        self.station.restart()
        self._trust()
        self.station.connect()
        self.answer()
        self.deliver()

    def answer(self) -> None:
        """The backend answers whatever it is asked."""
        while self.station.state.flight is not None:
            self.station.answer(ACCEPTED if self.station.sent[-1].action == "BootNotification" else {})

    def words(self) -> list[str]:
        self.answer()
        calls: list[SendCall] = self.station.sent
        return [str(call.payload["status"]) for call in calls if call.action == "FirmwareStatusNotification"]

    def tell(self, each: Board, event: BoardEvent) -> None:
        assert each.state is not None
        each.state, effects = board.step(each.state, event, self.now)
        self._perform(each, effects)

    # ------------------------------------------------------------ how the world is

    def deliver(self) -> None:
        """What the server ordered since, until nothing more follows."""
        self.answer()
        while self.seen < len(self.station.told):
            effect = self.station.told[self.seen]
            self.seen += 1
            match effect:
                case TellBoard(node, message):
                    self.said.append(effect)
                    each = self.boards.get(node)
                    if each is not None and each.up and each.linked and not self.drop:
                        self.tell(each, Looked(each.busy))
                        self.tell(each, message)
                case KeepFirmware(update, _):
                    self.kept = update
                case FetchFirmware(job):
                    self.downloads += 1
                    self.has_file = True
                    self.station.tell(FirmwareFetched(job, "/data/f", SHA, size=len(FILE)))
                case InstallFirmware(job, keep=keep):
                    self.installs += 1
                    self.has_file = keep
                    self.station.tell(FirmwareInstalled(job, NEW, self.outcome))
                case DropFirmware():
                    self.has_file = False
                case RestartBoards():
                    self.kill_server(NEW)
                    return
                case _:
                    pass
            self.answer()
        self._count()

    def _count(self) -> None:
        at_it = {BoardStage.INSTALLING, BoardStage.INSTALLED}
        found = tuple(each.name for each in self.boards.values() if each.stage in at_it)
        if len(found) > 1:
            self.overlaps.append(found)

    def _perform(self, each: Board, effects: tuple[BoardEffect, ...]) -> None:
        for effect in effects:
            self._do(each, effect)

    def _do(self, each: Board, effect: BoardEffect) -> None:
        match effect:
            case FirmwareStanding() | FirmwareWanted():
                self._up(each, effect)
            case BeginFile(_, anew):
                each.file = b"" if anew else each.file
                self.tell(each, PieceKept(effect.held.update, len(each.file)))
            case KeepPiece(held, offset, body):
                each.file = each.file[:offset] + body
                self.tell(each, PieceKept(held.update, len(each.file)))
            case CheckFile(held):
                spoilt, each.spoils = each.spoils > 0, max(0, each.spoils - 1)
                self.tell(each, FileChecked(held.update, "spoilt" if spoilt else "", spoilt=spoilt))
            case InstallFile():
                each.runs += 1
                each.installing = effect
            case ForgetFile():
                each.file = b""
            case RestartBoard():
                self.kill(each)
                self.start(each)
            case Write():
                self._write(each, effect)

    def _write(self, each: Board, write: Write) -> None:
        if not each.takes:
            self.tell(each, CommitFailed(write.token, "full"))
            return
        for row in write.writes:
            assert isinstance(row, Put)
            each.disk[row.table, row.key] = row.body
        self.tell(each, Committed(write.token))

    def _up(self, each: Board, said: FirmwareStanding | FirmwareWanted) -> None:
        if not each.linked or self.drop:
            return
        if isinstance(said, FirmwareStanding):
            self.station.tell(BoardFirmware(each.name, said))
        elif said.update == self.kept and self.pieces and not each.deaf:
            body = FILE[said.offset : said.offset + PIECE]
            self.tell(each, FirmwarePiece(said.update, said.offset, body, "" if self.has_file else "it is gone"))


def turns(park: RollingPark) -> list[str]:
    """Which boards were given a turn, in order, without repeats."""
    given = [each.node for each in park.said if isinstance(each.message, FirmwareOrdered)]
    return [name for name, _ in itertools.groupby(given)]

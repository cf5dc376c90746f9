"""What server and boards say to each other about a firmware. An `update` names one order of it, not the file.

The server asks again every few seconds, and each question is answered by the whole standing: nothing rests on a
message that arrives.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery


class BoardStage(Enum):
    """How far a board is with an update."""

    NONE = "none"  # it has not heard of it
    FETCHING = "fetching"
    CHECKED = "checked"  # the whole file is on its disk, and is what was offered
    INSTALLING = "installing"
    INSTALLED = "installed"  # waits for its sessions to end, then for its restart
    DONE = "done"
    FAILED = "failed"
    UNABLE = "unable"  # it installs nothing: it has no installer


class FirmwareAsked(Struct, frozen=True):
    """Server → board: say how far this update is."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    update: str


class FirmwareOffered(Struct, frozen=True):
    """Server → board: fetch this file. `size` in bytes, `sha256` as hex; `certificate`, `signature`: empty: unsigned.

    The signature is base64, over the whole file with SHA-256; the certificate of its signer is PEM (white paper §5.11).
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    update: str
    size: int
    sha256: str
    certificate: str
    signature: str


class FirmwareOrdered(Struct, frozen=True):
    """Server → board: it is your turn. A board takes each `turn` once: it installs now, or says that it is busy."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    update: str
    turn: int


class FirmwareStanding(Struct, frozen=True):
    """Board → server. `turn`: the newest it was given. `busy`: vehicles charge there. `problem`: why it failed."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    update: str
    stage: BoardStage
    turn: int
    busy: bool
    version: str
    problem: str


class FirmwareWanted(Struct, frozen=True):
    """Board → server: the piece of the file that begins there."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    update: str
    offset: int


class FirmwarePiece(Struct, frozen=True):
    """Server → board. `problem`: why the server has none."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    update: str
    offset: int
    body: bytes
    problem: str


# ------------------------------------------------------------ on the server


class BoardFirmware(Struct, frozen=True):
    """Link of a board → central system. `node`: who the certificate of the link says it is."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    node: str
    standing: FirmwareStanding


class PieceWanted(Struct, frozen=True):
    """Link of a board → who has the file."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    node: str
    wanted: FirmwareWanted


class TellBoard(Struct, frozen=True):
    """Effect: for the board of this name."""

    node: str
    message: FirmwareAsked | FirmwareOffered | FirmwareOrdered

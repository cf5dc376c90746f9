"""What boards tell each other beside the messages of their actors, and what the wire tells a link."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from park.exchange.session import Frame
from park.model.delivery import Delivery

PROTOCOL = 2  # counts up with every change of the exchange that an older board would misread
OLDEST_PROTOCOL = 1  # one older version is understood
COMMAND_SECONDS = 10.0  # architecture §2: a command is executed within 10 s or never
JOURNAL = "journal"  # the target of what is for a board's journal


class OfferedPoint(Struct, frozen=True):
    """A charge point a board has, as its hardware is: mA per phase. `meter`: it has one of its own."""

    name: str  # NODE/CHARGE_POINT
    phases: int
    minimum_ma: int
    maximum_ma: int
    resolution_ma: int
    has_deadman: bool
    metered: bool


class BoardHello(Struct, frozen=True):
    """First entry of a client: who it is, what it has, and the highest epoch it has obeyed."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    protocol: int
    park: str
    node: str
    version: str
    boot_id: str
    journal_id: str
    epoch: int
    server_id: str
    charge_points: tuple[OfferedPoint, ...]


class ServerHello(Struct, frozen=True):
    """First entry of a server. `store_id`: of its database, another one has nothing of what was delivered before."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    protocol: int
    park: str
    node: str
    version: str
    server_id: str
    store_id: str
    wall: datetime
    wall_known: bool


class LinkRefused(Struct, frozen=True):
    """Last entry of a server that does not take this board; the text says what to do."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    reason: str


class StopOrdered(Struct, frozen=True):
    """`RemoteStop` on the wire: an address cannot cross it, the answer comes back by `request_id`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str
    session: str


class UnlockOrdered(Struct, frozen=True):
    """`UnlockConnector` on the wire, as `StopOrdered`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str


class RecloserOrdered(Struct, frozen=True):
    """`OrderRecloser` on the wire, as `StopOrdered`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str
    closed: bool | None


class RestartOrdered(Struct, frozen=True):
    """Central system → a node: end in order and start again."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    hard: bool


class BoardHere(Struct, frozen=True):
    """Link of a board → central system: which run of its program is connected; None: it is away."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    node: str
    boot: str | None


class LogWanted(Struct, frozen=True):
    """Server → board: piece `number` of its logs of that time, packed when the first one is asked for."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    number: int
    since: datetime | None
    until: datetime | None


class LogPart(Struct, frozen=True):
    """Board → server: a piece; `last`: there are no more, or none at all."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    request_id: str
    number: int
    body: bytes
    last: bool


class OfferAgain(Struct, frozen=True):
    """Link → journal: what is not delivered goes out again; the other side may have lost what it told us."""

    delivery: ClassVar[Delivery] = Delivery.STATE


class LinkUp(Struct, frozen=True):
    """Exchange edge → link: frames can be sent. `connection`: drawn by the edge, new for each."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    connection: str
    peer: str  # address, for the log


class LinkDown(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    connection: str
    reason: str


class FrameArrived(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    connection: str
    frame: Frame


class SendFrame(Struct, frozen=True):
    """Link → exchange edge."""

    connection: str
    frame: Frame


class EndLink(Struct, frozen=True):
    """Link → exchange edge: this connection is no good any more."""

    connection: str
    reason: str


class EndLinks(Struct, frozen=True):
    """Link → exchange edge: it began anew and knows no connection, so none is any good, not even a silent one."""

    reason: str


class Outward(Struct, frozen=True):
    """Anything of the server → the link of a board: for `target` there."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    target: str
    message: object


class Inward(Struct, frozen=True):
    """Effect: `message` arrived for `target`, its times are on our clock now."""

    target: str
    message: object

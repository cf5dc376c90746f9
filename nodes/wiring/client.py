"""The actors of a client board, and who tells whom: its link stands for everything that is on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.authorizer import AuthorizerWires
from actors.charge_point import ChargePointWires
from actors.journal import JournalWires
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    ChargePointMessage,
    DriverMessage,
    ExchangeMessage,
    JournalMessage,
    MeterMessage,
    ReaderMessage,
    Report,
    ServerLinkMessage,
    StoreMessage,
)
from actors.server_link import ServerLinkWires
from actors.supervisor import RestartPolicy, SupervisionReport, Supervisor
from actors.world import World
from nodes.wiring.hardware import Eyes, Hardware, Listeners, Roles, Things, declare, safe_state
from park.authorization.settings import AuthorizerSettings
from park.charging.report import ChargePointReported
from park.exchange.messages import LogWanted, RestartOrdered
from park.exchange.server_link import BoardSettings
from park.model.access import OccupancyChanged
from park.model.metering import MeterReported
from park.ocpp.effects import ClockOffered
from park.rolling.board import FromServer

M = TypeVar("M")


class ClientBoard(Struct, frozen=True):
    """What the configuration says of a client board. `authorizer`: its own rules while no server is heard."""

    hardware: Hardware
    journal_id: str
    link: BoardSettings
    authorizer: AuthorizerSettings


class ClientEdges(Struct, frozen=True):
    """What the actors tell outside their ring."""

    store: Address[StoreMessage]
    driver: Address[DriverMessage]
    exchange: Address[ExchangeMessage]
    view: Address[Report]
    alarms: Address[Alarm]
    clock: Address[ClockOffered] = Nowhere()
    restarts: Address[RestartOrdered] = Nowhere()
    logs: Address[LogWanted] = Nowhere()
    firmware: Address[FromServer] = Nowhere()


class Client(Struct, frozen=True):
    """The addresses edges tell, and the tree to start and stop."""

    supervisor: Supervisor
    charge_points: Mapping[str, Address[ChargePointMessage]]
    meters: Mapping[str, Address[MeterMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    journal: Address[JournalMessage]
    authorizer: Address[AuthorizerMessage]
    link: Address[ServerLinkMessage]


class _Both(Struct, Generic[M], frozen=True):
    """One message, two who need it."""

    first: Address[M]
    second: Address[M]

    def tell(self, message: M, /) -> None:
        self.first.tell(message)
        self.second.tell(message)


class _Shown(Struct, frozen=True):
    """The view of this board, and what the server shows of it."""

    view: Address[Report]
    link: Address[ServerLinkMessage]

    def tell(self, message: Report, /) -> None:
        self.view.tell(message)
        if isinstance(message, ChargePointReported | MeterReported):
            self.link.tell(message)


def wire_client(
    world: World,
    board: ClientBoard,
    edges: ClientEdges,
    report: Address[SupervisionReport],
    on_give_up: Callable[[str], None] = lambda _: None,
    policy: RestartPolicy = RestartPolicy(),
    eyes: Eyes | None = None,
    roles: Roles = Roles(),
) -> Client:
    """Declare the whole tree; nothing runs before `supervisor.start()`."""
    point_wires: ChargePointWires
    things = Things()
    make_safe = safe_state(world, board.hardware.charge_points, things, lambda: point_wires)

    def gave_up(name: str) -> None:
        make_safe(name)
        on_give_up(name)

    root = Supervisor(world, board.hardware.node, policy, report, gave_up)
    points, readers = things.charge_points, things.readers
    journal_wires: JournalWires
    link_wires: ServerLinkWires
    journal: Address[JournalMessage] = root.child(
        "journal", lambda me: roles.journal(world, me, board.journal_id, journal_wires)
    )
    authorizer: Address[AuthorizerMessage] = root.child(
        "authorizer",
        lambda me: roles.authorizer(
            world, me, board.authorizer, AuthorizerWires(points, readers, Nowhere(), edges.store, alarms=edges.alarms)
        ),
    )
    link: Address[ServerLinkMessage] = root.child(
        "server-link", lambda me: roles.server_link(world, me, board.link, link_wires)
    )
    if eyes is not None:
        journal = eyes.on_journal(journal)
    view = _Shown(edges.view, link)
    occupancies: _Both[OccupancyChanged] = _Both(link, authorizer)
    journal_wires = JournalWires(edges.store, points, link, edges.alarms)
    link_wires = ServerLinkWires(
        edges.exchange,
        points,
        readers,
        journal,
        authorizer,
        edges.store,
        edges.view,
        edges.alarms,
        edges.clock,
        edges.restarts,
        edges.logs,
        edges.firmware,
    )
    point_wires = ChargePointWires(edges.driver, journal, link, occupancies, link, view)
    listeners = Listeners(point_wires, link, Nowhere(), link, link, edges.driver, view, edges.restarts)
    declare(world, root, board.hardware, listeners, things, roles, eyes)
    return Client(root, points, things.meters, readers, journal, authorizer, link)

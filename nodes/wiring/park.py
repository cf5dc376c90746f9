"""The actors of the node that leads a park, and who tells whom: the same in the field and in the simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.authorizer import AuthorizerWires
from actors.board_link import BoardLinkWires
from actors.central_system import CentralSystemWires
from actors.charge_point import ChargePointWires
from actors.coordinator import CoordinatorWires
from actors.journal import JournalWires
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    BackendLinkMessage,
    BoardLinkMessage,
    CentralSystemMessage,
    ChargePointMessage,
    CoordinatorMessage,
    DriverMessage,
    ExchangeMessage,
    JournalMessage,
    MaintenanceMessage,
    MeterMessage,
    ReaderMessage,
    Report,
    ServerLinkMessage,
    StoreMessage,
)
from actors.remote import Everyone, Remote, Returns
from actors.supervisor import Child, RestartPolicy, SupervisionReport, Supervisor
from actors.world import World
from nodes.epochs import Incarnations
from nodes.wiring.above import Beats, EdgesAbove, Leader, declare_above
from nodes.wiring.hardware import Eyes, Hardware, Listeners, Roles, Things, declare, safe_state
from park.authorization.settings import AuthorizerSettings
from park.exchange import board_link
from park.exchange.board_link import ServerFacts
from park.exchange.messages import LogPart, RestartOrdered
from park.load.report import EpochTaken
from park.load.rivalry import StandingReported
from park.load.state import CoordinatorSettings
from park.load.told import LapseKept
from park.model.access import BackendOnline
from park.model.demand import BoardHeartbeat
from park.model.limit import InputChanged
from park.model.placement import Placed
from park.model.signals import RepeatLevels
from park.ocpp.effects import BackendReported, ClockOffered
from park.ocpp.services import ForwardTransfer
from park.ocpp.state import Settings as OcppSettings
from park.rolling.messages import PieceWanted

CENTRAL_SYSTEM = "central-system"
OCPP_GAVE_UP = "the OCPP side failed too often and was stopped: read the crashes in the log and restart the node"


class RemoteBoard(Struct, frozen=True):
    """A client board the server expects, with what it places there."""

    node: str
    placed: Mapping[str, Placed]


class Board(Struct, frozen=True):
    """What the configuration says of the board that leads a park: alone (no `boards`), or with client boards.

    `above`: it leads a group of another park.
    """

    hardware: Hardware
    journal_id: str
    coordinator: CoordinatorSettings
    authorizer: AuthorizerSettings
    ocpp: OcppSettings
    server: ServerFacts
    boards: tuple[RemoteBoard, ...] = ()
    above: Leader | None = None


class Edges(Struct, frozen=True):
    """What the actors tell outside their ring."""

    store: Address[StoreMessage]
    driver: Address[DriverMessage]
    backend: Address[BackendLinkMessage]
    view: Address[Report]
    epochs: Address[EpochTaken]
    alarms: Address[Alarm]
    clock: Address[ClockOffered]
    exchange: Address[ExchangeMessage] = Nowhere()
    standing: Address[StandingReported] = Nowhere()
    told: Address[LapseKept] = Nowhere()
    maintenance: Address[MaintenanceMessage] = Nowhere()
    logs: Address[LogPart] = Nowhere()
    restarts: Address[RestartOrdered] = Nowhere()
    firmware: Address[PieceWanted] = Nowhere()
    services: Address[ForwardTransfer] = Nowhere()
    above: Address[ExchangeMessage] = Nowhere()


class Park(Struct, frozen=True):
    """The addresses edges tell, and the tree to start and stop.

    `link_of`: the link to a client board, made when a board without placed charge points comes for the first time.
    """

    supervisor: Supervisor
    charge_points: Mapping[str, Address[ChargePointMessage]]
    meters: Mapping[str, Address[MeterMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    coordinator: Address[CoordinatorMessage]
    authorizer: Address[AuthorizerMessage]
    journal: Address[JournalMessage]
    central: Address[CentralSystemMessage]
    link_of: Callable[[str], Address[BoardLinkMessage]]
    above: Address[ServerLinkMessage] = Nowhere()

    @property
    def inputs(self) -> Address[InputChanged]:
        """Who hears of digital inputs: they limit, they authorize, and the backend is told."""
        return _Inputs(self.coordinator, self.authorizer, self.central)


class _Inputs(Struct, frozen=True):
    coordinator: Address[CoordinatorMessage]
    authorizer: Address[AuthorizerMessage]
    central: Address[CentralSystemMessage]

    def tell(self, message: InputChanged, /) -> None:
        self.coordinator.tell(message)
        self.authorizer.tell(message)
        self.central.tell(message)


class _Asked(Mapping[str, Address[RepeatLevels]]):
    """Boards as those who are asked for the levels that are not of one charge point: their readers."""

    def __init__(self, boards: Mapping[str, Address[BoardLinkMessage]]) -> None:
        self._boards = boards

    def __getitem__(self, node: str) -> Address[RepeatLevels]:
        return Remote(self._boards[node], "")

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._boards))

    def __len__(self) -> int:
        return len(self._boards)


class _Nodes(Mapping[str, Address[RestartOrdered]]):
    """All nodes of the park, the others first: this one goes when they were told."""

    def __init__(
        self, here: str, restarts: Address[RestartOrdered], boards: Mapping[str, Address[BoardLinkMessage]]
    ) -> None:
        self._here, self._restarts, self._boards = here, restarts, boards

    def __getitem__(self, node: str) -> Address[RestartOrdered]:
        return self._restarts if node == self._here else Remote(self._boards[node], "")

    def __iter__(self) -> Iterator[str]:
        return iter((*self._boards, self._here))

    def __len__(self) -> int:
        return len(self._boards) + 1


class _Readers(dict[str, Address[ReaderMessage]]):
    """Readers by name; NODE/READER of a client board is reached over its link."""

    def __init__(self, boards: Mapping[str, Address[BoardLinkMessage]]) -> None:
        super().__init__()
        self._boards = boards

    def __missing__(self, name: str) -> Address[ReaderMessage]:
        board = self._boards.get(name.partition("/")[0])
        return Nowhere() if board is None else Remote(board, name)


def wire(
    world: World,
    board: Board,
    edges: Edges,
    report: Address[SupervisionReport],
    on_give_up: Callable[[str], None] = lambda _: None,
    policy: RestartPolicy = RestartPolicy(),
    eyes: Eyes | None = None,
    roles: Roles = Roles(),
) -> Park:
    """Declare the whole tree; nothing runs before `supervisor.start()`. `eyes` see what passes: the checkers'."""
    point_wires: ChargePointWires
    authorizer: Address[AuthorizerMessage]
    boards: dict[str, Address[BoardLinkMessage]] = {}
    readers, returns, everyone = _Readers(boards), Returns(), Everyone(boards)
    things = Things(readers=readers)
    make_safe = safe_state(world, board.hardware.charge_points, things, lambda: point_wires)

    def gave_up(name: str) -> None:
        make_safe(name)
        if name == CENTRAL_SYSTEM:  # whoever waits for the backend would wait for ever
            edges.view.tell(BackendReported("offline", OCPP_GAVE_UP, 0, None, 0, 0, 0))
            authorizer.tell(BackendOnline(online=False))
        on_give_up(name)

    root = Supervisor(world, board.hardware.node, policy, report, gave_up)
    asked = _Asked(boards)
    points = things.charge_points
    journal_wires: JournalWires
    journal: Address[JournalMessage] = root.child(
        "journal", lambda me: roles.journal(world, me, board.journal_id, journal_wires)
    )
    central: Child[CentralSystemMessage] = root.child(
        CENTRAL_SYSTEM, lambda me: roles.central_system(world, me, board.ocpp, central_wires)
    )
    authorizer = root.child(
        "authorizer",
        lambda me: roles.authorizer(
            world,
            me,
            board.authorizer,
            AuthorizerWires(points, readers, central, edges.store, asked, everyone, edges.alarms),
        ),
    )
    voices = Incarnations(board.coordinator, edges.epochs)
    coordinator: Address[CoordinatorMessage] = root.child(
        "coordinator",
        lambda me: roles.coordinator(
            world,
            voices.next(),
            CoordinatorWires(
                points, edges.view, voices, edges.standing, edges.told, edges.alarms, edges.store, me, central, above
            ),
            None if board.above is None else board.above.group,
        ),
    )
    above: Address[ServerLinkMessage] = Nowhere()
    if board.above is not None:
        links = EdgesAbove(edges.above, edges.store, edges.view, edges.alarms)
        above = declare_above(world, root, board.above, links, coordinator, roles)
    if eyes is not None:
        journal = eyes.on_journal(journal)
        coordinator = eyes.on_coordinator(coordinator)
    returns.learn(board.journal_id, journal)
    journal_wires = JournalWires(edges.store, points, central, edges.alarms)
    central_wires = CentralSystemWires(
        edges.store,
        returns,
        edges.backend,
        authorizer,
        coordinator,
        points,
        edges.view,
        edges.alarms,
        edges.clock,
        maintenance=edges.maintenance,
        boards=_Nodes(board.hardware.node, edges.restarts, boards),
        links=boards,
        services=edges.services,
    )
    point_wires = ChargePointWires(edges.driver, journal, coordinator, authorizer, central, edges.view)
    beats: Address[BoardHeartbeat] = coordinator if board.above is None else Beats(coordinator, above)
    listeners = Listeners(
        point_wires, coordinator, central, authorizer, beats, edges.driver, edges.view, edges.restarts, central
    )
    declare(world, root, board.hardware, listeners, things, roles, eyes)
    link_wires = BoardLinkWires(
        edges.exchange, coordinator, authorizer, central, edges.view, edges.alarms, returns, edges.logs, edges.firmware
    )

    def make_link(remote: RemoteBoard) -> Address[BoardLinkMessage]:
        def begin() -> board_link.BoardLink:
            return board_link.initial(remote.node, board.server, remote.placed, everyone.newest)

        return root.child(f"board-{remote.node}", lambda me: roles.board_link(world, me, begin(), link_wires))

    for remote in board.boards:
        link = make_link(remote)
        boards[remote.node] = link
        for name in remote.placed:
            points[name] = Remote(link, name) if eyes is None else eyes.on_charge_point(name, Remote(link, name))

    def link_of(node: str) -> Address[BoardLinkMessage]:
        if node not in boards:
            boards[node] = make_link(RemoteBoard(node, {}))
            root.start()
        return boards[node]

    return Park(root, points, things.meters, readers, coordinator, authorizer, journal, central, link_of, above)

"""The actors of a single-board park and who tells whom: the same in the field and in the simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from actors.address import Address
from actors.authorizer import Authorizer, AuthorizerWires
from actors.central_system import CentralSystem, CentralSystemWires
from actors.charge_point import ChargePoint, ChargePointWires
from actors.coordinator import Coordinator, CoordinatorWires
from actors.journal import Journal, JournalWires
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    BackendLinkMessage,
    CentralSystemMessage,
    ChargePointMessage,
    CoordinatorMessage,
    DriverMessage,
    JournalMessage,
    MeterMessage,
    ReaderMessage,
    Report,
    StationMessage,
    StoreMessage,
)
from actors.meter import Meter
from actors.rfid_reader import RfidReader
from actors.station import Station
from actors.supervisor import Child, RestartPolicy, SupervisionReport, Supervisor
from actors.world import World
from nodes.attended import AttendedPoint
from park.authorization.settings import AuthorizerSettings
from park.charging.farewell import farewell
from park.charging.settings import ChargePointSettings
from park.load.report import EpochTaken
from park.load.state import CoordinatorSettings
from park.metering.meter import MeterSettings
from park.model.access import BackendOnline
from park.model.metering import ReadingTaken
from park.ocpp.effects import BackendReported, ClockOffered
from park.ocpp.state import Settings as OcppSettings
from park.station import StationState

CENTRAL_SYSTEM = "central-system"
OCPP_GAVE_UP = "the OCPP side failed too often and was stopped: read the crashes in the log and restart the node"


@dataclass(frozen=True, slots=True)
class Board:
    """What the configuration says of one board that is a park by itself."""

    node: str
    boot_id: str
    journal_id: str
    charge_points: tuple[ChargePointSettings, ...]
    meters: tuple[MeterSettings, ...]
    readers: tuple[str, ...]
    coordinator: CoordinatorSettings
    authorizer: AuthorizerSettings
    ocpp: OcppSettings


@dataclass(frozen=True, slots=True)
class Roles:
    """Which class plays which actor; a test puts an understudy that fails in one of the places."""

    charge_point: type[ChargePoint] = ChargePoint
    meter: type[Meter] = Meter
    rfid_reader: type[RfidReader] = RfidReader
    station: type[Station] = Station
    coordinator: type[Coordinator] = Coordinator
    authorizer: type[Authorizer] = Authorizer
    journal: type[Journal] = Journal
    central_system: type[CentralSystem] = CentralSystem


@dataclass(frozen=True, slots=True)
class Edges:
    """What the actors tell outside their ring."""

    store: Address[StoreMessage]
    driver: Address[DriverMessage]
    backend: Address[BackendLinkMessage]
    view: Address[Report]
    epochs: Address[EpochTaken]
    alarms: Address[Alarm]
    clock: Address[ClockOffered]


@dataclass(frozen=True, slots=True)
class Park:
    """The addresses edges tell, and the tree to start and stop."""

    supervisor: Supervisor
    charge_points: Mapping[str, Address[ChargePointMessage]]
    meters: Mapping[str, Address[MeterMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    coordinator: Address[CoordinatorMessage]
    authorizer: Address[AuthorizerMessage]
    journal: Address[JournalMessage]
    central: Address[CentralSystemMessage]
    station: Address[StationMessage]


class Eyes(Protocol):
    """Sees what charge points and the coordinator are told, and passes it on."""

    def on_charge_point(self, name: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]: ...

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]: ...

    def on_journal(self, address: Address[JournalMessage], /) -> Address[JournalMessage]: ...


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
    settings_of = {settings.name: settings for settings in board.charge_points}
    point_wires: ChargePointWires
    authorizer: Address[AuthorizerMessage]

    def gave_up(name: str) -> None:
        if name in settings_of:
            attended[name].leave()
            for effect in farewell(settings_of[name], world.now()):
                point_wires.carry(effect)
        if name == CENTRAL_SYSTEM:  # whoever waits for the backend would wait for ever
            edges.view.tell(BackendReported("offline", OCPP_GAVE_UP, 0, None, 0, 0, 0))
            authorizer.tell(BackendOnline(online=False))
        on_give_up(name)

    root = Supervisor(world, board.node, policy, report, gave_up)
    attended: dict[str, AttendedPoint] = {}
    points: dict[str, Address[ChargePointMessage]] = {}
    readers: dict[str, Address[ReaderMessage]] = {}
    meters: dict[str, Address[MeterMessage]] = {}

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
            world, me, board.authorizer, AuthorizerWires(points, readers, central, edges.store)
        ),
    )
    coordinator: Address[CoordinatorMessage] = root.child(
        "coordinator",
        lambda _: roles.coordinator(world, board.coordinator, CoordinatorWires(points, edges.view, edges.epochs)),
    )
    if eyes is not None:
        journal = eyes.on_journal(journal)
        coordinator = eyes.on_coordinator(coordinator)
    beating = StationState(board.node, board.boot_id, tuple(point.name for point in board.charge_points))
    station: Child[StationMessage] = root.child("station", lambda _: roles.station(world, beating, coordinator))
    journal_wires = JournalWires(edges.store, points, central, edges.alarms)
    central_wires = CentralSystemWires(
        edges.store, journal, edges.backend, authorizer, points, edges.view, edges.alarms, edges.clock
    )
    point_wires = ChargePointWires(edges.driver, journal, coordinator, authorizer, central, edges.view)
    owners = {point.meter: point for point in board.charge_points if point.meter is not None}

    def declare_meter(branch: Supervisor, name: str, settings: MeterSettings) -> None:
        listeners: tuple[Address[ReadingTaken], ...] = (coordinator,)
        if settings.name in owners:
            listeners = (coordinator, points[owners[settings.name].name], central)
        meters[settings.name] = branch.child(name, lambda _: roles.meter(world, settings, listeners, edges.view))

    for settings in board.charge_points:
        branch = root.supervisor(settings.name)
        controller = _declare_point(world, branch, settings, point_wires, roles)
        point = attended[settings.name] = AttendedPoint(settings, controller, edges.driver, world.now)
        points[settings.name] = point if eyes is None else eyes.on_charge_point(settings.name, point)
        for meter in (meter for meter in board.meters if meter.name == settings.meter):
            declare_meter(branch, "meter", meter)
    for meter in board.meters:
        if meter.name not in owners:
            declare_meter(root, f"meter-{meter.name}", meter)
    for name in board.readers:
        readers[name] = _declare_reader(world, root, name, authorizer, edges.driver, roles)
    return Park(root, points, meters, readers, coordinator, authorizer, journal, central, station)


def _declare_point(
    world: World, branch: Supervisor, settings: ChargePointSettings, wires: ChargePointWires, roles: Roles
) -> Child[ChargePointMessage]:
    return branch.child("charge-point", lambda _: roles.charge_point(world, settings, wires))


def _declare_reader(
    world: World,
    root: Supervisor,
    name: str,
    authorizer: Address[AuthorizerMessage],
    driver: Address[DriverMessage],
    roles: Roles,
) -> Child[ReaderMessage]:
    return root.child(f"reader-{name}", lambda _: roles.rfid_reader(world, name, authorizer, driver))

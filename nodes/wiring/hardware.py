"""The actors of a board's own things: charge points, meters, readers and its heartbeat; every role has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from msgspec import Struct, field

from actors.address import Address, Nowhere
from actors.authorizer import Authorizer
from actors.board_link import BoardLink
from actors.central_system import CentralSystem
from actors.charge_point import ChargePoint, ChargePointWires
from actors.coordinator import Coordinator
from actors.enrolment import Enrolment
from actors.journal import Journal
from actors.messages import (
    ChargePointMessage,
    CoordinatorMessage,
    DriverMessage,
    JournalMessage,
    MeterMessage,
    ReaderMessage,
    Report,
)
from actors.meter import Meter
from actors.rfid_reader import RfidReader, Service
from actors.server_link import ServerLink
from actors.station import Station
from actors.supervisor import Supervisor
from actors.world import World
from nodes.attended import AttendedPoint
from park.authorization.reader import ServiceTags
from park.charging.farewell import farewell
from park.charging.settings import ChargePointSettings
from park.exchange.messages import RestartOrdered
from park.metering.meter import MeterSettings
from park.model.access import CardPresented
from park.model.demand import BoardHeartbeat
from park.model.metering import ReadingTaken
from park.ocpp.orders import RestoreDefaults
from park.station import StationState


class Roles(Struct, frozen=True):
    """Which class plays which actor; a test puts an understudy that fails in one of the places."""

    charge_point: type[ChargePoint] = ChargePoint
    meter: type[Meter] = Meter
    rfid_reader: type[RfidReader] = RfidReader
    station: type[Station] = Station
    coordinator: type[Coordinator] = Coordinator
    authorizer: type[Authorizer] = Authorizer
    journal: type[Journal] = Journal
    central_system: type[CentralSystem] = CentralSystem
    server_link: type[ServerLink] = ServerLink
    board_link: type[BoardLink] = BoardLink
    enrolment: type[Enrolment] = Enrolment


class Eyes(Protocol):
    """Sees what charge points and the coordinator are told, and passes it on."""

    def on_charge_point(self, name: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]: ...

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]: ...

    def on_journal(self, address: Address[JournalMessage], /) -> Address[JournalMessage]: ...


class Hardware(Struct, frozen=True):
    """What one board has, as its configuration says."""

    node: str
    boot_id: str
    charge_points: tuple[ChargePointSettings, ...]
    meters: tuple[MeterSettings, ...]
    readers: tuple[str, ...]
    service: Mapping[str, ServiceTags] = field(default_factory=dict[str, ServiceTags])


class Listeners(Struct):
    """Who the board's things tell; complete before the supervisor starts."""

    points: ChargePointWires
    readings: Address[ReadingTaken]
    point_readings: Address[ReadingTaken]
    cards: Address[CardPresented]
    heartbeat: Address[BoardHeartbeat]
    driver: Address[DriverMessage]
    view: Address[Report]
    node: Address[RestartOrdered] = Nowhere()
    central: Address[RestoreDefaults] = Nowhere()


class Things(Struct):
    """The addresses of a board's things, by name. Filled by `declare`; others may hold the maps before."""

    charge_points: dict[str, Address[ChargePointMessage]] = field(
        default_factory=dict[str, Address[ChargePointMessage]]
    )
    meters: dict[str, Address[MeterMessage]] = field(default_factory=dict[str, Address[MeterMessage]])
    readers: dict[str, Address[ReaderMessage]] = field(default_factory=dict[str, Address[ReaderMessage]])
    attended: dict[str, AttendedPoint] = field(default_factory=dict[str, AttendedPoint])


def declare(
    world: World,
    root: Supervisor,
    hardware: Hardware,
    listeners: Listeners,
    things: Things,
    roles: Roles,
    eyes: Eyes | None = None,
) -> None:
    """One branch a charge point with its own meter, then the meters of circuits, the readers and the heartbeat."""
    owners = {point.meter: point for point in hardware.charge_points if point.meter is not None}

    def declare_meter(branch: Supervisor, name: str, settings: MeterSettings) -> None:
        told: tuple[Address[ReadingTaken], ...] = (listeners.readings,)
        if settings.name in owners:
            told = (listeners.readings, things.charge_points[owners[settings.name].name], listeners.point_readings)
        things.meters[settings.name] = branch.child(name, lambda _: roles.meter(world, settings, told, listeners.view))

    beating = StationState(hardware.node, hardware.boot_id, tuple(point.name for point in hardware.charge_points))
    root.child("station", lambda _: roles.station(world, beating, listeners.heartbeat))
    for settings in hardware.charge_points:
        branch = root.supervisor(settings.name)
        controller = _point(world, branch, settings, listeners.points, roles)
        point = things.attended[settings.name] = AttendedPoint(settings, controller, listeners.driver, world.now)
        things.charge_points[settings.name] = point if eyes is None else eyes.on_charge_point(settings.name, point)
        for meter in (meter for meter in hardware.meters if meter.name == settings.meter):
            declare_meter(branch, "meter", meter)
    for meter in hardware.meters:
        if meter.name not in owners:
            declare_meter(root, f"meter-{meter.name}", meter)
    for name in hardware.readers:
        tags = hardware.service.get(name, ServiceTags())
        things.readers[name] = _reader(world, root, name, tags, listeners, roles)


def safe_state(
    world: World,
    charge_points: Iterable[ChargePointSettings],
    things: Things,
    wires: Callable[[], ChargePointWires],
) -> Callable[[str], None]:
    """What to do with the electronics of a charge point whose controller gave up, by its name."""
    settings_of = {settings.name: settings for settings in charge_points}

    def gave_up(name: str) -> None:
        if name in settings_of:
            things.attended[name].leave()
            for effect in farewell(settings_of[name], world.now()):
                wires().carry(effect)

    return gave_up


def _point(
    world: World, branch: Supervisor, settings: ChargePointSettings, wires: ChargePointWires, roles: Roles
) -> Address[ChargePointMessage]:
    return branch.child("charge-point", lambda _: roles.charge_point(world, settings, wires))


def _reader(
    world: World, root: Supervisor, name: str, tags: ServiceTags, listeners: Listeners, roles: Roles
) -> Address[ReaderMessage]:
    service = Service(tags, listeners.node, listeners.central)
    return root.child(
        f"reader-{name}", lambda _: roles.rfid_reader(world, name, listeners.cards, listeners.driver, service)
    )

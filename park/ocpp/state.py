"""What the central system knows between two events, and the calls it may have in flight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from park.model.access import BackendAuthorized, BackendQueue, ConnectorStatusChanged
from park.model.contract import Contract
from park.model.reservation import Reservation
from park.model.session import FactOffered, FactsHeld, SessionMetered
from park.model.storage import Row
from park.model.time import Now
from park.ocpp.connection import Connections, ConnectionSettings, restore
from park.ocpp.effects import BackendReported, CentralSystemEffect
from park.ocpp.keys import KeyValues
from park.ocpp.link import Payload
from park.ocpp.local_list import LocalList
from park.ocpp.messages import Reading, Station
from park.ocpp.notifications import Notification, Notifications
from park.ocpp.profiles.installed import PROFILES_A_CONNECTOR
from park.ocpp.profiles.profile import MOST_PHASES
from park.ocpp.profiles.standing import SmartCharging, Wired
from park.ocpp.queue import Queue
from park.ocpp.registration import Registration
from park.ocpp.rows import Rows
from park.ocpp.services import Services, TransferWanted
from park.ocpp.statuses import StatusBoard
from park.ocpp.upkeep import Upkeep


class Settings(Struct, frozen=True):
    """`connectors`: the OCPP connector ids of this identity. `new_id`: a new unique id of at most 36 characters a call.

    `station_keys`: defaults of this station for configuration keys. `meters`: which connector a meter belongs to.
    `enabled` False: no backend is configured; facts are acknowledged and go nowhere. `charge_points`: those of the
    configuration, by full name; None: whoever comes. `journal`: this node's own, which closes its own sessions itself.
    `connection`: to the backend, as the configuration file has it. `restart_with_sessions`: after an update (B-386).
    `points`: full names by connector. `circuit`: the one all charge points of this identity hang on, which carries
    `circuit_ma` on each phase. `phases`, `maxima_ma`: by connector, how it is built and what it carries on each phase.
    `node`: this board. `boards`: the others that firmware is for. `boot`: of this run of the process; empty: each start
    of the actor counts as one.
    """

    identity: str
    connectors: tuple[int, ...]
    new_id: Callable[[], str]
    station: Station = Station()
    station_keys: Mapping[str, str] = field(default_factory=dict[str, str])
    meters: Mapping[str, int] = field(default_factory=dict[str, int])
    enabled: bool = True
    charge_points: frozenset[str] | None = None
    journal: str = ""
    connection: ConnectionSettings | None = None
    fallback_seconds: float = 0.0
    restart_with_sessions: bool = False
    points: Mapping[int, str] = field(default_factory=dict[int, str])
    circuit: str = ""
    circuit_ma: int = 0
    phases: Mapping[int, int] = field(default_factory=dict[int, int])
    maxima_ma: Mapping[int, int] = field(default_factory=dict[int, int])
    node: str = ""
    boards: tuple[str, ...] = ()
    boot: str = ""

    @property
    def wired(self) -> dict[int, Wired]:
        """Connectors as they are built."""
        return {
            number: Wired(point, self.phases.get(number, MOST_PHASES), self.maxima_ma.get(number, self.circuit_ma))
            for number, point in self.points.items()
        }

    @property
    def station_wired(self) -> Wired:
        """The circuit all connectors hang on."""
        return Wired(self.circuit, MOST_PHASES, self.circuit_ma)

    def connections(self, rows: Iterable[Row]) -> Connections | None:
        """What is connected with after a start; None: somebody else looks after the connection."""
        return None if self.connection is None else restore(self.connection, self.fallback_seconds, rows)

    def places(self, connector: int) -> tuple[str, ...]:
        """How a key may name this connector: by its number, by its board."""
        return (str(connector), self.points.get(connector, "").partition("/")[0])

    @property
    def all_places(self) -> frozenset[str]:
        boards = (point.partition("/")[0] for point in self.points.values())
        return frozenset((*map(str, self.connectors), *boards))


class BootCall(Struct, frozen=True):
    pass


class HeartbeatCall(Struct, frozen=True):
    pass


class StatusCall(Struct, frozen=True):
    changed: ConnectorStatusChanged


class AuthorizeCall(Struct, frozen=True):
    """A question of the authorizer; unanswered by `deadline` (mono) it is answered with no verdict.

    `accepted`: the backend accepted the card, and is asked for its tariff now (B-062). `contract`: the tag is the eMAID
    of this one.
    """

    request_id: str
    id_tag: str
    deadline: float
    accepted: BackendAuthorized | None = None
    contract: Contract | None = None


class TriggeredValues(Struct, frozen=True):
    payload: Payload


class NotificationCall(Struct, frozen=True):
    """The oldest notification."""

    notification: Notification


class TransferCall(Struct, frozen=True):
    """A DataTransfer of a service on site."""

    wanted: TransferWanted


class MeterKeyCall(Struct, frozen=True):
    """A DataTransfer of the public key of a connector's meter (B-216)."""

    connector: int
    key: str


class TransactionCall(Struct, frozen=True):
    """The head of the queue."""


Purpose: TypeAlias = (
    BootCall
    | HeartbeatCall
    | StatusCall
    | AuthorizeCall
    | TriggeredValues
    | NotificationCall
    | TransferCall
    | MeterKeyCall
    | TransactionCall
)


class Flight(Struct, frozen=True):
    """The one CALL that waits for its answer."""

    unique_id: str
    purpose: Purpose
    deadline: float


class PendingCommand(Struct, frozen=True):
    """A command of the backend that somebody in the park has to answer; `done`, `refused`: the status it then gets.

    `reasons`: of a refusal for such a reason. `data`: the answer has what was said beside, a refusal one of these
    words, the last of them where it was for another reason; empty: it has only its status.
    """

    unique_id: str
    action: str
    deadline: float
    done: str = "Accepted"
    refused: str = "Rejected"
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    data: tuple[str, ...] = ()


class IntakeCommit(Struct, frozen=True):
    pass


class SettleCommit(Struct, frozen=True):
    pass


class Deferred(Protocol):
    """A change that takes effect, and is answered, when it is on disk; or is refused because it cannot be."""

    def stored(
        self, state: CentralSystem, now: Now, *, on_disk: bool
    ) -> tuple[CentralSystem, tuple[CentralSystemEffect, ...]]: ...


CommitPurpose: TypeAlias = IntakeCommit | SettleCommit | Deferred


class Resetting(Struct, frozen=True):
    """`boards`: those that start again; None: all. Not before `earliest`, at the latest at `latest` (mono).

    `at`: of the order, None: the time was not known. `ordered`: they were told.
    """

    boards: tuple[str, ...] | None
    hard: bool
    earliest: float
    latest: float
    at: datetime | None
    ordered: bool = False


class Here(Struct, frozen=True):
    """A board that is connected since `since`. `boot`: the run of its program. `quiet_from`: it has told all by then.

    Times are mono.
    """

    boot: str
    since: float
    quiet_from: float


class Owed(Struct, frozen=True):
    """A reset a board has not done yet. `at`: of the backend's order, None: the time was not known then.

    `boot`: the run that has to end, None: the board was away. `ordered`: mono of the order to the board, None: none
    since this program began. `paid`: not owed any more, its row is to go.
    """

    hard: bool
    at: datetime | None
    boot: str | None
    ordered: float | None = None
    paid: bool = False


class Withheld(Struct, frozen=True):
    """`service`: no session may begin, whatever was said of availability. `pilot`: vehicles are shown state F.

    `look_at`: mono of the next look at the clock, None: it is not waited for.
    """

    service: bool = False
    pilot: bool = False
    look_at: float | None = None


class InputNotices(Struct, frozen=True):
    """Digital inputs by (node, number): their levels, and which changed since the last notification of them.

    `not_before`: mono of the next one.
    """

    levels: Mapping[tuple[str, int], bool] = field(default_factory=dict[tuple[str, int], bool])
    changed: frozenset[tuple[str, int]] = frozenset()
    not_before: float = 0.0


class MeterKeys(Struct, frozen=True):
    """Public keys of meters that sign, by connector, changed in place as `readings` is.

    `told`: those the backend has since it registered this station. `not_before`: mono of the next attempt.
    """

    known: dict[int, str] = field(default_factory=dict[int, str])
    told: Mapping[int, str] = field(default_factory=dict[int, str])
    not_before: float = 0.0


class Dating(Struct, frozen=True):
    """Facts of a board that did not know the date. `told`: what the backend's clock showed, and our mono then.

    `busy`: dates are on their way to disk. `not_before`: mono of the next try when the disk refused them.
    """

    told: tuple[datetime, float] | None = None
    busy: bool = False
    not_before: float = 0.0


class CentralSystem(Struct, frozen=True):
    """`link`: number of the connection, None without one. `silent`: a call timed out, a heartbeat must prove life.

    `readings`: the newest by connector, for TriggerMessage; the one part that a step changes in place, because a copy
    for each reading would cost more than all else about it. `last_traffic`, `last_heartbeat`: mono.
    `volatile_last`: the last call was not of the queue, which is next then. `left`: running sessions whose charge point
    left, to be closed; not before `close_at` (mono) when the disk refused that. `repeated`: readings of a session that
    its stop repeats, changed in place too; `forgetting`: sessions whose are being deleted. `aligned_due`: mono of the
    next look for aligned readings, `aligned_slots`: the interval each connector was in then. `reservations`: by number,
    looked at again at `reservations_look_at` (mono). `list_newest`: the local list with what is being written.
    `availability`: what the backend said of each connector, by number. `boards_here`: the other boards that are
    connected; `owed`: resets they have not done yet. `queue_told`: what charge points know of the
    queue's room. `missed`: faults that went before the
    backend heard of them, oldest first. `registered_told`: what the authorizer knows of the registration.
    `began`: mono of `Start`. `dating`: of facts without a date. `withheld`: why they may not charge besides.
    """

    settings: Settings
    values: KeyValues
    queue: Queue
    upkeep: Upkeep
    loaded: bool = False
    load_again_at: float = 0.0
    offered_early: tuple[FactOffered, ...] = ()  # while the rows are not there yet
    held_early: tuple[FactsHeld, ...] = ()
    link: int | None = None
    link_reason: str = "not connected yet"
    flight: Flight | None = None
    silent: bool = False
    registration: Registration = Registration()
    statuses: StatusBoard = StatusBoard()
    authorizations: tuple[AuthorizeCall, ...] = ()
    triggered: tuple[Purpose, ...] = ()
    volatile_last: bool = False
    last_traffic: float = 0.0
    last_heartbeat: float = 0.0
    commands: Mapping[str, PendingCommand] = field(default_factory=dict[str, PendingCommand])
    commits: Mapping[int, CommitPurpose] = field(default_factory=dict[int, CommitPurpose])
    next_token: int = 1
    smart_charging: SmartCharging = SmartCharging()
    reservations: Mapping[int, Reservation] = field(default_factory=dict[int, Reservation])
    reservations_look_at: float = 0.0
    local_list: LocalList = LocalList()
    list_newest: LocalList = LocalList()
    list_enabled: bool = True
    readings: dict[int, Reading] = field(default_factory=dict[int, Reading])
    left: frozenset[str] = frozenset()
    close_at: float = 0.0
    repeated: dict[str, list[SessionMetered]] = field(default_factory=dict[str, list[SessionMetered]])
    forgetting: frozenset[str] = frozenset()
    aligned_due: float = 0.0
    aligned_slots: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    services: Services = Services()
    availability: Mapping[int, bool] = field(default_factory=dict[int, bool])
    resetting: Resetting | None = None
    boards_here: Mapping[str, Here] = field(default_factory=dict[str, Here])
    owed: Mapping[str, Owed] = field(default_factory=dict[str, Owed])
    missed: tuple[ConnectorStatusChanged, ...] = ()
    registered_told: bool = False
    inputs: InputNotices = InputNotices()
    began: float = 0.0
    queue_told: BackendQueue = BackendQueue.ROOM
    withheld: Withheld = Withheld()
    dating: Dating = Dating()
    meter_keys: MeterKeys = field(default_factory=MeterKeys)
    reported: BackendReported | None = None
    wake_at: float | None = None


def initial(settings: Settings) -> CentralSystem:
    """Nothing is known before `Start` and the rows it asks for."""
    station = {
        "NumberOfConnectors": str(len(settings.connectors)),
        "MaxChargingProfilesInstalled": str(PROFILES_A_CONNECTOR * (1 + len(settings.connectors))),
        "ConnectorPhaseRotation": ",".join(f"{connector}.Unknown" for connector in (0, *settings.connectors)),
        "ConnectorPhaseRotationMaxLength": str(len(settings.connectors) + 1),
        **settings.station_keys,
    }
    rows = Rows(settings.identity)
    return CentralSystem(
        settings, KeyValues({}, station), Queue(rows), Upkeep(Notifications(rows), settings.connections(()))
    )

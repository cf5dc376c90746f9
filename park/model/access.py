"""Cards, verdicts and commands of people and backends."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar, Protocol

from msgspec import Struct

from park.model.contract import Contract
from park.model.delivery import Delivery
from park.model.session import StopReason


class Verdict(Enum):
    """OCPP 1.6 §7.2 AuthorizationStatus; values are the wire names."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class Feedback(Enum):
    """What a reader shows the person."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    IGNORED = "ignored"  # nobody to charge: no vehicle, or none that could
    UNCLEAR = "unclear"  # several vehicles wait, and which is meant nobody can tell
    WAIT = "wait"  # not the last word


class TagRead(Struct, frozen=True):
    """Reader edge → RFID reader actor: raw UID as hex."""

    delivery: ClassVar[Delivery] = Delivery.FACT

    reader: str
    id_tag: str


class ReaderLost(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    reader: str
    reason: str


class CardPresented(Struct, frozen=True):
    """RFID reader → authorizer, once a presentation (debounced)."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reader: str
    id_tag: str


class ShowFeedback(Struct, frozen=True):
    """Authorizer → RFID reader → reader edge."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reader: str
    feedback: Feedback


class OccupancyChanged(Struct, frozen=True):
    """Charge point → authorizer: what routing of a card needs to know."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    connector: int
    plugged_since: float | None  # mono; None: no vehicle
    waiting_for_card: bool  # a vehicle is there, or a card may come first, and no authorization yet
    session_tag: str | None  # of the authorized or running session
    charging: bool
    available: bool  # operative and not faulted


class AuthorizationGranted(Struct, frozen=True):
    """Authorizer → charge point: this id tag may charge here; a plug must follow within the card timeout."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    charge_point: str
    id_tag: str
    by: str  # free | whitelist | backend | remote | cache | offline | service
    parent_tag: str | None = None
    valid_until: datetime | None = None
    reservation: int | None = None  # the one it uses up


class StopSession(Struct, frozen=True):
    """Authorizer or central system → charge point: end the session. `session` None: the one that runs."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    charge_point: str
    session: str | None
    reason: StopReason
    id_tag: str | None = None


class AuthorizeWithBackend(Struct, frozen=True):
    """Authorizer → central system. `contract`: the id tag is the eMAID of this one."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    id_tag: str
    contract: Contract | None = None


class BackendAuthorized(Struct, frozen=True):
    """Central system → authorizer; `verdict` None: no answer from the backend (offline, timeout, error)."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    id_tag: str
    verdict: Verdict | None
    parent_tag: str | None = None
    expiry: datetime | None = None


class Done(Struct, frozen=True):
    """`data`: what else there is to say, in the words of who asked."""

    request_id: str
    data: str = ""


class Refused(Struct, frozen=True):
    request_id: str
    reason: str


class Undeliverable(Struct, frozen=True):
    request_id: str
    reason: str


CommandAnswer = Done | Refused | Undeliverable


class AnswersCommand(Protocol):
    def tell(self, message: CommandAnswer, /) -> None: ...


class RemoteStart(Struct, frozen=True):
    """Central system → authorizer. `connector` None: the authorizer chooses (interfaces: RemoteStart)."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    connector: int | None
    id_tag: str
    authorize_first: bool
    reply_to: AnswersCommand


class RemoteStop(Struct, frozen=True):
    """Central system → charge point: end exactly this session, else `Refused`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str
    session: str
    reply_to: AnswersCommand


NO_LOCK = "this connector has no lock"


class UnlockConnector(Struct, frozen=True):
    """Central system → charge point: end the session and free the plug; `Refused(NO_LOCK)` where there is none."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str
    reply_to: AnswersCommand


OPEN, CLOSE = "open", "close"
"""States of a recloser, as its maker's backend writes them (B-215)."""
NOT_PRESENT, NOT_AVAILABLE = "notPresent", "notAvailable"
"""Reasons of a refusal: there is no recloser; it does not tell or do anything (B-215)."""


class OrderRecloser(Struct, frozen=True):
    """Central system → charge point: open or close its residual current device; `closed` None: only tell the state.

    Answered `Done` with the state in `data`, or `Refused` with one of the reasons above.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    charge_point: str
    closed: bool | None
    reply_to: AnswersCommand


class ConnectorStatus(Enum):
    """OCPP 1.6 §7.7 ChargePointStatus; values are the wire names."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class ConnectorStatusChanged(Struct, frozen=True):
    """Charge point → central system. `error_code`: OCPP 1.6 §7.6 ChargePointErrorCode wire name.

    `vendor_code`: this product's name of the fault, or the electronics' own; empty without an error.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    connector: int
    status: ConnectorStatus
    error_code: str
    info: str
    at: datetime
    vendor_code: str = ""


TEMPERATURE = "Temperature"
"""Begins the `info` of a connector that tells nothing but its temperature (B-038)."""
RESIDUAL = "Residual current"
"""Begins the `info` of a connector that tells nothing but its residual current (B-037)."""
UNREACHABLE = "unreachable"
"""Ends the `info` of a connector whose board is away: nothing is known of it, and it may go on charging."""


def is_unreachable(changed: ConnectorStatusChanged) -> bool:
    return changed.status is ConnectorStatus.UNAVAILABLE and changed.info.endswith(UNREACHABLE)


class SettingChanged(Struct, frozen=True):
    """Central system or administration → charge point: a key that may change at run time has a new value.

    `name`: the OCPP configuration key (`ConnectionTimeOut`, `MeterValueSampleInterval`, …); `value`: seconds for
    times and intervals, amperes for currents, bool for switches, the word chosen else. A receiver ignores names that
    are not its own.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    name: str
    value: int | bool | str


class BackendQueue(Enum):
    """Whether one more session's messages may wait for the backend; values are those of `SettingChanged`."""

    ROOM = "Room"
    FULL = "Full"  # no session begins (B-016)
    ERROR = "Error"  # the same, and it is told as an error (B-017, B-018)


BACKEND_QUEUE = "BackendQueue"
"""Name of the setting that carries it."""
BACKEND_REGISTERED = "BackendRegistered"
"""Name of the setting that says whether the backend has ever registered this park at its present address (B-195)."""
PILOT_OFF = "PilotOff"
"""Name of the setting that makes charge points show state F (B-387)."""


class RepeatSettings(Struct, frozen=True):
    """Charge point → central system on `Start`, and when its session is recovered: tell what holds again.

    That is every key in force, as `SettingChanged`, and `TransactionAssigned` of its running session. Authorizer and
    coordinator ask for what concerns them under names no charge point has.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE
    AUTHORIZER: ClassVar[str] = "authorizer"
    COORDINATOR: ClassVar[str] = "coordinator"

    charge_point: str


class BackendOnline(Struct, frozen=True):
    """Central system → authorizer: whether the backend can be asked now. Repeated on change and on `Start`."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    online: bool


class Answer(Struct, frozen=True):
    """Effect: tell `answer` to `reply_to`."""

    reply_to: AnswersCommand
    answer: CommandAnswer

    def give(self) -> None:
        self.reply_to.tell(self.answer)

"""Session facts: what happened, each with a natural key, on their way to the journal and the backend."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.metering import Sample
from park.model.time import BootTime


class StopReason(Enum):
    """OCPP 1.6 §7.43 Reason; values are the wire names."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


class ReadingContext(Enum):
    """OCPP 1.6 §7.39 ReadingContext."""

    SAMPLE_PERIODIC = "Sample.Periodic"
    SAMPLE_CLOCK = "Sample.Clock"
    TRANSACTION_BEGIN = "Transaction.Begin"
    TRANSACTION_END = "Transaction.End"


class SessionStarted(Struct, frozen=True):
    """The session's identity towards the backend is (connector, id tag, at, meter_start_wh): never altered (D1).

    `undated`, of every fact: `at` is the earliest it can have been, and this the instant the date is found by (B-196).
    """

    delivery: ClassVar[Delivery] = Delivery.FACT

    session: str
    ordinal: int  # 0
    charge_point: str
    connector: int
    id_tag: str
    authorized_by: str  # free | whitelist | backend | remote | cache | offline | service
    at: datetime
    meter_start_wh: int
    reservation: int | None = None  # the backend's, that it uses up
    undated: BootTime | None = None


class SessionMetered(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.FACT

    session: str
    ordinal: int  # 1, 2, … within the session
    charge_point: str
    connector: int
    at: datetime
    sample: Sample
    offered_ma: int
    context: ReadingContext
    undated: BootTime | None = None


class SessionEnded(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.FACT

    session: str
    ordinal: int
    charge_point: str
    connector: int
    at: datetime
    meter_stop_wh: int
    reason: StopReason
    id_tag: str | None  # of the card that ended it
    undated: BootTime | None = None


SessionFact = SessionStarted | SessionMetered | SessionEnded


class FactKey(Struct, frozen=True):
    """Natural key of a fact at its charge point; resends carry the same."""

    session: str
    ordinal: int


def key_of(fact: SessionFact) -> FactKey:
    return FactKey(fact.session, fact.ordinal)


def known_date(fact: SessionFact) -> datetime | None:
    """When it was; None: nobody knows yet (B-196)."""
    return fact.at if fact.undated is None else None


class FactId(Struct, frozen=True):
    """Duplicates are told by this pair; `journal` is a random UUID made with the database."""

    journal: str
    number: int


class RecordFact(Struct, frozen=True):
    """Charge point → journal; resent until `FactPersisted` comes back."""

    delivery: ClassVar[Delivery] = Delivery.FACT

    fact: SessionFact


class FactPersisted(Struct, frozen=True):
    """Journal → charge point: the fact is on disk."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    key: FactKey


class OpenSession(Struct, frozen=True):
    """A session whose end is not recorded: what the journal tells a charge point after a restart.

    `last_undated`: of the fact that `last_at` is the time of.
    """

    started: SessionStarted
    last_ordinal: int
    last_at: datetime
    last_energy_wh: int
    last_sample: Sample | None
    transaction: int | None = None
    last_undated: BootTime | None = None


class SessionRecovered(Struct, frozen=True):
    """Journal → charge point, the answer to `RecoverSession`; `open_session` None: nothing was open."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    open_session: OpenSession | None


class RecoverSession(Struct, frozen=True):
    """Charge point → journal on `Start`: asks whether a session of its own is open."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str


class FactOffered(Struct, frozen=True):
    """Journal → central system; repeated until `FactTaken`."""

    delivery: ClassVar[Delivery] = Delivery.FACT

    id: FactId
    fact: SessionFact


class FactTaken(Struct, frozen=True):
    """Central system → journal: it is in the durable queue; stop offering."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    id: FactId


class FactDelivered(Struct, frozen=True):
    """Central system → journal: the backend answered (or the fact is in the dead-letter store).

    `at`: the time that was told for it, where it is known here: a journal whose fact had no date keeps it (D1).
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    id: FactId
    transaction: int | None
    at: datetime | None = None


class FactsHeld(Struct, frozen=True):
    """Journal → central system: it holds facts of these sessions, and does not know all of them to be delivered."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    journal: str
    sessions: tuple[str, ...]


class FactsKnown(Struct, frozen=True):
    """Central system → journal, one a session: facts with ordinals up to these are taken, and delivered; -1: none.

    `started_at`: the time that is told for its start, where it is known here.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    journal: str
    session: str
    taken_through: int
    delivered_through: int
    transaction: int | None
    started_at: datetime | None = None


class TransactionAssigned(Struct, frozen=True):
    """Central system → charge point: the backend's number for the session and its verdict on the id tag."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    session: str
    transaction: int
    accepted: bool
    status: str  # Accepted | Blocked | Expired | Invalid | ConcurrentTx

"""What the central system asks its shell to do, besides the messages of `park.model` and of the link."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from msgspec import Struct

from park.authorization.messages import ClearCards
from park.model.access import (
    Answer,
    AnswersCommand,
    BackendAuthorized,
    OrderRecloser,
    RemoteStart,
    RemoteStop,
    SettingChanged,
    StopSession,
    UnlockConnector,
)
from park.model.alarm import Alarm
from park.model.delivery import Delivery
from park.model.listed import LocalListHeld
from park.model.reservation import ConnectorReserved, ReservationsHeld
from park.model.session import FactDelivered, FactsKnown, FactTaken, StopReason, TransactionAssigned
from park.model.signals import RepeatLevels, WakeAt
from park.model.standing_limits import HoldLimits
from park.model.storage import Load, Write
from park.model.time import Now
from park.ocpp.link import LinkOrder
from park.ocpp.maintenance import MaintenanceOrder
from park.ocpp.orders import AnswerSettings
from park.ocpp.services import ForwardTransfer, TransferDone
from park.rolling.messages import TellBoard


class StartRemotely(Struct, frozen=True):
    request_id: str
    connector: int | None
    id_tag: str
    authorize_first: bool

    def order(self, reply_to: AnswersCommand) -> RemoteStart:
        """For the authorizer."""
        return RemoteStart(self.request_id, self.connector, self.id_tag, self.authorize_first, reply_to)


class StopRemotely(Struct, frozen=True):
    request_id: str
    charge_point: str
    session: str

    def order(self, reply_to: AnswersCommand) -> RemoteStop:
        """For the charge point."""
        return RemoteStop(self.request_id, self.charge_point, self.session, reply_to)


class UnlockRemotely(Struct, frozen=True):
    request_id: str
    charge_point: str

    def order(self, reply_to: AnswersCommand) -> UnlockConnector:
        """For the charge point."""
        return UnlockConnector(self.request_id, self.charge_point, reply_to)


class RecloseRemotely(Struct, frozen=True):
    """`closed` None: only ask for its state."""

    request_id: str
    charge_point: str
    closed: bool | None

    def order(self, reply_to: AnswersCommand) -> OrderRecloser:
        """For the charge point."""
        return OrderRecloser(self.request_id, self.charge_point, self.closed, reply_to)


class ForgetCards(Struct, frozen=True):
    request_id: str

    def order(self, reply_to: AnswersCommand) -> ClearCards:
        """For the authorizer."""
        return ClearCards(self.request_id, reply_to)


class EndSession(Struct, frozen=True):
    """Whatever session runs at the charge point ends."""

    charge_point: str
    reason: StopReason

    @property
    def messages(self) -> tuple[StopSession]:
        return (StopSession(self.charge_point, None, self.reason),)


class RestartBoards(Struct, frozen=True):
    """Becomes `RestartOrdered` to these boards, this one included where it is named; None: to all."""

    boards: tuple[str, ...] | None
    hard: bool


class SettingsRepeated(Struct, frozen=True):
    """Every key in force, for one charge point that began anew; becomes its `SettingChanged`."""

    charge_point: str
    messages: tuple[SettingChanged, ...]


class TellAuthorizer(Struct, frozen=True):
    """A key that concerns cards has this value now."""

    change: SettingChanged

    def order(self, _: AnswersCommand) -> SettingChanged:
        """For the authorizer, who does not answer it."""
        return self.change


class ClockOffered(Struct, frozen=True):
    """The backend's clock is `offset_seconds` ahead of ours (negative: behind); told from one second on."""

    offset_seconds: float


class BackendReported(Struct, frozen=True):
    """For the park view. `state`: online | pending | rejected | offline | disabled; `why` explains all but online.

    `oldest_at`: when the oldest queued fact happened. `repeats`: transmissions after the first of a message;
    `unanswered`: transmissions that got no CALLRESULT; `repeats` never exceeds it. Both count since the start.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    state: str
    why: str
    queue_depth: int
    oldest_at: datetime | None
    dead_letters: int
    repeats: int
    unanswered: int

    def oldest_seconds(self, now: Now) -> float | None:
        return None if self.oldest_at is None else max(0.0, (now.wall - self.oldest_at).total_seconds())


ForPark: TypeAlias = (
    TransactionAssigned
    | BackendAuthorized
    | StartRemotely
    | StopRemotely
    | UnlockRemotely
    | RecloseRemotely
    | ForgetCards
    | EndSession
    | RestartBoards
    | TellBoard
    | SettingChanged
    | SettingsRepeated
    | TellAuthorizer
    | HoldLimits
    | ReservationsHeld
    | ConnectorReserved
    | LocalListHeld
    | Answer
    | AnswerSettings
    | RepeatLevels
    | TransferDone
)
"""What is for somebody in the park."""
CentralSystemEffect: TypeAlias = (
    LinkOrder
    | MaintenanceOrder
    | Write
    | Load
    | FactTaken
    | FactDelivered
    | FactsKnown
    | ForPark
    | ForwardTransfer
    | ClockOffered
    | Alarm
    | BackendReported
    | WakeAt
)

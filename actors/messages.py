"""The union of messages each actor and each edge of the inner side understands; the classes live in `park`."""

from __future__ import annotations

from typing import TypeAlias

from park.authorization.authorizer import AuthorizerEvent
from park.authorization.reader import ReaderEvent
from park.charging.report import ChargePointReported
from park.charging.state import ChargePointEvent
from park.exchange.board_link import BoardLinkEvent
from park.exchange.messages import EndLink, EndLinks, SendFrame
from park.exchange.server_link import LinkReported, ServerLinkEvent
from park.journal.journal import JournalEvent
from park.load.report import CircuitReported, LimitsReported, ShareReported
from park.load.subordinate import SubordinateEvent
from park.metering.meter import MeterEvent
from park.model.access import ShowFeedback
from park.model.alarm import Alarm
from park.model.evse import EvseCommand
from park.model.metering import MeterReported
from park.model.storage import Commit, LoadRows
from park.ocpp.central_system import CentralSystemEvent
from park.ocpp.effects import BackendReported
from park.ocpp.link import LinkOrder
from park.ocpp.maintenance import MaintenanceOrder
from park.pairing.events import BoardRevoked, BoardsAdmitted
from park.pairing.state import EnrolmentEvent
from park.station import StationEvent
from park.view.rows import NodeReported

ChargePointMessage: TypeAlias = ChargePointEvent
MeterMessage: TypeAlias = MeterEvent
ReaderMessage: TypeAlias = ReaderEvent
StationMessage: TypeAlias = StationEvent
CoordinatorMessage: TypeAlias = SubordinateEvent
AuthorizerMessage: TypeAlias = AuthorizerEvent
JournalMessage: TypeAlias = JournalEvent
CentralSystemMessage: TypeAlias = CentralSystemEvent
EnrolmentMessage: TypeAlias = EnrolmentEvent

ServerLinkMessage: TypeAlias = ServerLinkEvent
BoardLinkMessage: TypeAlias = BoardLinkEvent

ExchangeMessage: TypeAlias = SendFrame | EndLink | EndLinks
StoreMessage: TypeAlias = Commit | LoadRows
DriverMessage: TypeAlias = EvseCommand | ShowFeedback
BackendLinkMessage: TypeAlias = LinkOrder
MaintenanceMessage: TypeAlias = MaintenanceOrder
AdmissionMessage: TypeAlias = BoardsAdmitted | BoardRevoked
Report: TypeAlias = (
    ChargePointReported
    | CircuitReported
    | ShareReported
    | LimitsReported
    | MeterReported
    | BackendReported
    | NodeReported
    | LinkReported
)

__all__ = [
    "AdmissionMessage",
    "Alarm",
    "AuthorizerMessage",
    "BackendLinkMessage",
    "BoardLinkMessage",
    "CentralSystemMessage",
    "ChargePointMessage",
    "CoordinatorMessage",
    "DriverMessage",
    "EnrolmentMessage",
    "ExchangeMessage",
    "JournalMessage",
    "MaintenanceMessage",
    "MeterMessage",
    "ReaderMessage",
    "Report",
    "ServerLinkMessage",
    "StationMessage",
    "StoreMessage",
]

"""The server's link to one client board as an actor: what the board says goes to whom on the server it concerns."""

from __future__ import annotations

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    BoardLinkMessage,
    CentralSystemMessage,
    CoordinatorMessage,
    ExchangeMessage,
    Report,
)
from actors.remote import Remote, Returns
from actors.worker import Worker
from actors.world import World
from park.authorization.messages import ReadersAnnounced
from park.charging.report import ChargePointReported
from park.exchange import board_link
from park.exchange.board_link import BoardLinkEffect, JournalKnown
from park.exchange.messages import BoardHere, EndLink, Inward, LogPart, SendFrame
from park.model.access import (
    Answer,
    CardPresented,
    ConnectorStatusChanged,
    OccupancyChanged,
    RepeatSettings,
)
from park.model.autocharge import VehicleIdentified
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.limit import InputChanged
from park.model.metering import MeterReported, ReadingTaken
from park.model.placement import PlacementKept
from park.model.session import FactOffered, FactsHeld
from park.model.signals import WakeAt
from park.rolling.messages import BoardFirmware, PieceWanted
from park.view.rows import NodeReported


class BoardLinkWires(Struct, frozen=True):
    """Who the link tells on the server. `returns`: finds the journal a fact came from.

    `logs`: puts the logs of boards together. `firmware`: has the file that boards fetch.
    """

    edge: Address[ExchangeMessage]
    coordinator: Address[CoordinatorMessage]
    authorizer: Address[AuthorizerMessage]
    central: Address[CentralSystemMessage]
    view: Address[Report]
    alarms: Address[Alarm]
    returns: Returns
    logs: Address[LogPart] = Nowhere()
    firmware: Address[PieceWanted] = Nowhere()


class BoardLink(Worker[BoardLinkMessage]):
    def __init__(
        self, world: World, me: Address[BoardLinkMessage], state: board_link.BoardLink, wires: BoardLinkWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires, self._state = me, wires, state

    def receive(self, message: BoardLinkMessage) -> None:
        self._state, effects = board_link.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: BoardLinkEffect) -> None:
        match effect:
            case SendFrame() | EndLink():
                self._wires.edge.tell(effect)
            case Inward(_, message):
                self._deliver(message)
            case Answer(reply_to, answer):
                reply_to.tell(answer)
            case NodeReported():
                self._wires.view.tell(effect)
            case JournalKnown(journal_id):
                self._wires.returns.learn(journal_id, Remote(self._me, ""))
            case Alarm():
                self._wires.alarms.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)

    def _deliver(self, message: object) -> None:
        match message:
            case DemandChanged() | CurrentSignalled() | BoardHeartbeat() | PlacementKept() | InputChanged():
                self._wires.coordinator.tell(message)
            case ReadingTaken():
                self._wires.coordinator.tell(message)
                self._wires.central.tell(message)
            case OccupancyChanged() | CardPresented() | VehicleIdentified() | ReadersAnnounced():
                self._wires.authorizer.tell(message)
            case (
                ConnectorStatusChanged()
                | RepeatSettings()
                | FactOffered()
                | FactsHeld()
                | BoardFirmware()
                | BoardHere()
            ):
                self._wires.central.tell(message)
            case ChargePointReported() | MeterReported():
                self._wires.view.tell(message)
            case LogPart():
                self._wires.logs.tell(message)
            case PieceWanted():
                self._wires.firmware.tell(message)
            case _:  # of a newer version, or nothing a board may say
                pass

"""A client's link to its server as an actor: to the board's own actors it stands for coordinator and central system."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    ChargePointMessage,
    ExchangeMessage,
    JournalMessage,
    ReaderMessage,
    Report,
    ServerLinkMessage,
    StoreMessage,
)
from actors.worker import Worker
from actors.world import World
from park.authorization.messages import ApplyRules
from park.exchange import messages, server_link
from park.exchange.server_link import BoardSettings, LinkReported, LocalOnly, ServerLinkEffect
from park.model.access import BackendOnline, CardPresented, OrderRecloser, RemoteStop, ShowFeedback, UnlockConnector
from park.model.autocharge import VehicleIdentified
from park.model.listed import ApplyLocalList
from park.model.session import FactDelivered, FactsKnown, FactTaken
from park.model.signals import RepeatLevels, WakeAt
from park.model.storage import Commit, Load, LoadRows, Write
from park.ocpp.effects import ClockOffered
from park.rolling.board import FromServer
from park.rolling.messages import FirmwareAsked, FirmwareOffered, FirmwareOrdered, FirmwarePiece


class ServerLinkWires(Struct, frozen=True):
    """Who the link tells on its board. `edge`: the wire; `authorizer`: decides about cards while no server is heard."""

    edge: Address[ExchangeMessage]
    charge_points: Mapping[str, Address[ChargePointMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    journal: Address[JournalMessage]
    authorizer: Address[AuthorizerMessage]
    store: Address[StoreMessage]
    view: Address[Report]
    alarms: Address[Alarm]
    clock: Address[ClockOffered] = Nowhere()
    node: Address[messages.RestartOrdered] = Nowhere()
    logs: Address[messages.LogWanted] = Nowhere()
    firmware: Address[FromServer] = Nowhere()


class ServerLink(Worker[ServerLinkMessage]):
    def __init__(
        self, world: World, me: Address[ServerLinkMessage], settings: BoardSettings, wires: ServerLinkWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires = me, wires
        self._state = server_link.initial(settings)

    def receive(self, message: ServerLinkMessage) -> None:
        self._state, effects = server_link.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: ServerLinkEffect) -> None:
        match effect:
            case messages.SendFrame() | messages.EndLink() | messages.EndLinks():
                self._wires.edge.tell(effect)
            case messages.Inward(target, message):
                self._deliver(target, message)
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case LinkReported():
                self._wires.view.tell(effect)
            case LocalOnly(alone):
                self._wires.authorizer.tell(BackendOnline(online=not alone))
            case RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)
            case ClockOffered():
                self._wires.clock.tell(effect)
            case Alarm():
                self._wires.alarms.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)

    def _deliver(self, target: str, message: object) -> None:
        """To whom a message of the server is for; what this board does not have, or know, is left out."""
        match message:
            case FactTaken() | FactDelivered() | FactsKnown() | messages.OfferAgain():
                self._wires.journal.tell(message)
            case ShowFeedback(reader):
                if reader in self._wires.readers:
                    self._wires.readers[reader].tell(message)
            case CardPresented() | VehicleIdentified() | ApplyRules() | ApplyLocalList():
                self._wires.authorizer.tell(message)
            case messages.StopOrdered(request_id, point, session) if point in self._wires.charge_points:
                self._wires.charge_points[point].tell(RemoteStop(request_id, point, session, self._me))
            case messages.UnlockOrdered(request_id, point) if point in self._wires.charge_points:
                self._wires.charge_points[point].tell(UnlockConnector(request_id, point, self._me))
            case messages.RecloserOrdered(request_id, point, closed) if point in self._wires.charge_points:
                self._wires.charge_points[point].tell(OrderRecloser(request_id, point, closed, self._me))
            case messages.LogWanted():
                self._wires.logs.tell(message)
            case FirmwareAsked() | FirmwareOffered() | FirmwareOrdered() | FirmwarePiece():
                self._wires.firmware.tell(message)
            case messages.RestartOrdered():
                self._wires.node.tell(message)
            case _ if target in self._wires.charge_points and isinstance(message, server_link.FOR_CHARGE_POINTS):
                self._wires.charge_points[target].tell(message)
            case _:
                pass

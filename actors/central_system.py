"""The OCPP side as an actor: facts and questions in, calls out, the backend's commands onwards."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from actors import messages
from actors.address import Address, Nowhere
from actors.worker import Worker
from actors.world import World
from park.exchange.messages import Outward, RestartOrdered
from park.model import access, listed, reservation
from park.model.session import FactDelivered, FactsKnown, FactTaken, TransactionAssigned
from park.model.signals import RepeatLevels, WakeAt
from park.model.standing_limits import HoldLimits
from park.model.storage import Commit, LoadRows
from park.ocpp import effects as fx
from park.ocpp.central_system import step
from park.ocpp.link import ForLink
from park.ocpp.maintenance import MaintenanceOrder, Order
from park.ocpp.orders import AnswerSettings
from park.ocpp.services import ForwardTransfer, TransferDone
from park.ocpp.state import Settings, initial
from park.rolling.messages import TellBoard


class CentralSystemWires(Struct, frozen=True):
    """Who the central system tells. `clock`: who may follow the backend's; `maintenance`: files, installer.

    `boards`: every node, to start again; `links`: to the others. `services`: those on site that answer DataTransfer.
    """

    store: Address[messages.StoreMessage]
    journal: Address[FactTaken | FactDelivered | FactsKnown]
    link: Address[messages.BackendLinkMessage]
    authorizer: Address[messages.AuthorizerMessage]
    coordinator: Address[HoldLimits]
    charge_points: Mapping[str, Address[messages.ChargePointMessage]]
    view: Address[messages.Report]
    alarms: Address[messages.Alarm]
    clock: Address[fx.ClockOffered]
    maintenance: Address[MaintenanceOrder] = Nowhere()
    boards: Mapping[str, Address[RestartOrdered]] = field(default_factory=dict[str, Address[RestartOrdered]])
    services: Address[ForwardTransfer] = Nowhere()
    links: Mapping[str, Address[Outward]] = field(default_factory=dict[str, Address[Outward]])


class CentralSystem(Worker[messages.CentralSystemMessage]):
    def __init__(
        self, world: World, me: Address[messages.CentralSystemMessage], settings: Settings, wires: CentralSystemWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires, self._state = me, wires, initial(settings)

    def receive(self, message: messages.CentralSystemMessage) -> None:
        self._state, effects = step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: fx.CentralSystemEffect) -> None:
        match effect:
            case ForLink():
                self._wires.link.tell(effect)
            case Order():
                self._wires.maintenance.tell(effect)
            case fx.Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case fx.Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case FactTaken() | FactDelivered() | FactsKnown():
                self._wires.journal.tell(effect)
            case fx.BackendReported():
                self._wires.view.tell(effect)
                self._wires.authorizer.tell(access.BackendOnline(effect.state == "online"))
            case messages.Alarm():
                self._wires.alarms.tell(effect)
            case ForwardTransfer():
                self._wires.services.tell(effect)
            case fx.ClockOffered():
                self._wires.clock.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)
            case _:
                self._tell_park(effect)

    def _tell_park(self, effect: fx.ForPark | MaintenanceOrder) -> None:
        match effect:
            case access.BackendAuthorized() | reservation.ReservationsHeld() | listed.LocalListHeld():
                self._wires.authorizer.tell(effect)
            case fx.TellAuthorizer() | fx.StartRemotely() | fx.ForgetCards():
                self._wires.authorizer.tell(effect.order(self._me))
            case HoldLimits():
                self._wires.coordinator.tell(effect)
            case access.Answer() | AnswerSettings() | TransferDone():
                effect.give()
            case access.SettingChanged() | RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)
            case TransactionAssigned(point) | reservation.ConnectorReserved(point):
                self._tell(point, effect)
            case fx.SettingsRepeated() | fx.EndSession():
                self._tell(effect.charge_point, *effect.messages)
            case fx.StopRemotely() | fx.UnlockRemotely() | fx.RecloseRemotely():
                if not self._tell(effect.charge_point, effect.order(self._me)):
                    gone = f"there is no charge point {effect.charge_point} any more"
                    self._me.tell(access.Undeliverable(effect.request_id, gone))
            case fx.RestartBoards(boards, hard):
                for board in boards or self._wires.boards:
                    self._wires.boards[board].tell(RestartOrdered(hard))
            case TellBoard(node, message):
                self._wires.links.get(node, Nowhere()).tell(Outward("", message))
            case _:
                self._wires.maintenance.tell(effect)

    def _tell(self, point: str, *told: messages.ChargePointMessage) -> bool:
        for message in told:
            self._wires.charge_points.get(point, Nowhere()).tell(message)
        return point in self._wires.charge_points

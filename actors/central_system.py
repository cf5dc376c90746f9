"""The OCPP side as an actor: facts and questions in, calls out, the backend's commands onwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    BackendLinkMessage,
    CentralSystemMessage,
    ChargePointMessage,
    Report,
    StoreMessage,
)
from actors.worker import Worker
from actors.world import World
from park.model import access
from park.model.listed import LocalListHeld
from park.model.reservation import ConnectorReserved, ReservationsHeld
from park.model.session import FactDelivered, FactsKnown, FactTaken, TransactionAssigned
from park.model.signals import RepeatLevels, WakeAt
from park.model.standing_limits import HoldLimits
from park.model.storage import Commit, LoadRows
from park.ocpp import effects as fx
from park.ocpp import link
from park.ocpp.central_system import step
from park.ocpp.maintenance import MaintenanceOrder, Order
from park.ocpp.orders import AnswerSettings
from park.ocpp.state import Settings, initial


@dataclass(frozen=True, slots=True)
class CentralSystemWires:
    """Who the central system tells. `clock`: who may follow the backend's; `maintenance`: files, installer."""

    store: Address[StoreMessage]
    journal: Address[FactTaken | FactDelivered | FactsKnown]
    link: Address[BackendLinkMessage]
    authorizer: Address[AuthorizerMessage]
    coordinator: Address[HoldLimits]
    charge_points: Mapping[str, Address[ChargePointMessage]]
    view: Address[Report]
    alarms: Address[Alarm]
    clock: Address[fx.ClockOffered]
    maintenance: Address[MaintenanceOrder] = Nowhere()


class CentralSystem(Worker[CentralSystemMessage]):
    def __init__(
        self, world: World, me: Address[CentralSystemMessage], settings: Settings, wires: CentralSystemWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires = me, wires
        self._state = initial(settings)

    def receive(self, message: CentralSystemMessage) -> None:
        self._state, effects = step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: fx.CentralSystemEffect) -> None:
        match effect:
            case link.SendCall() | link.SendResult() | link.SendError() | link.ResetLink() | link.ReportLink():
                self._wires.link.tell(effect)
            case link.KeepAlive() | link.UseConnection():
                self._wires.link.tell(effect)
            case fx.Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case fx.Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case FactTaken() | FactDelivered() | FactsKnown():
                self._wires.journal.tell(effect)
            case fx.BackendReported():
                self._wires.view.tell(effect)
                self._wires.authorizer.tell(access.BackendOnline(effect.state == "online"))
            case Alarm():
                self._wires.alarms.tell(effect)
            case fx.ClockOffered():
                self._wires.clock.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)
            case Order():
                self._wires.maintenance.tell(effect)
            case _:
                self._tell_park(effect)

    def _tell_park(self, effect: fx.ForPark) -> None:
        match effect:
            case access.BackendAuthorized() | ReservationsHeld() | LocalListHeld():
                self._wires.authorizer.tell(effect)
            case fx.TellAuthorizer(change):
                self._wires.authorizer.tell(change)
            case fx.StartRemotely(request_id, connector, id_tag, first):
                self._wires.authorizer.tell(access.RemoteStart(request_id, connector, id_tag, first, self._me))
            case HoldLimits():
                self._wires.coordinator.tell(effect)
            case access.Answer(reply_to, answer):
                reply_to.tell(answer)
            case AnswerSettings(reply_to, listed):
                reply_to.tell(listed)
            case access.SettingChanged() | RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)
            case TransactionAssigned(point) | ConnectorReserved(point):
                self._tell(point, effect)
            case fx.SettingsRepeated(point, settings):
                self._tell(point, *settings)
            case fx.StopRemotely(request_id, point, session):
                if not self._tell(point, access.RemoteStop(request_id, point, session, self._me)):
                    self._me.tell(access.Undeliverable(request_id, f"there is no charge point {point} any more"))

    def _tell(self, point: str, *messages: ChargePointMessage) -> bool:
        """Tell a charge point; false: it left the configuration since."""
        address = self._wires.charge_points.get(point)
        if address is None:
            return False
        for message in messages:
            address.tell(message)
        return True

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
from park.model.access import BackendAuthorized, BackendOnline, RemoteStart, RemoteStop, SettingChanged, Undeliverable
from park.model.listed import LocalListHeld
from park.model.reservation import ConnectorReserved, ReservationsHeld
from park.model.session import FactDelivered, FactTaken, TransactionAssigned
from park.model.signals import RepeatLevels, WakeAt
from park.model.standing_limits import HoldLimits
from park.model.storage import Commit, LoadRows
from park.ocpp.central_system import step
from park.ocpp.effects import (
    BackendReported,
    CentralSystemEffect,
    ClockOffered,
    Load,
    SettingsRepeated,
    StartRemotely,
    StopRemotely,
    Write,
)
from park.ocpp.link import ReportLink, ResetLink, SendCall, SendError, SendResult, UseConnection
from park.ocpp.maintenance import MaintenanceOrder
from park.ocpp.state import Settings, initial


@dataclass(frozen=True, slots=True)
class CentralSystemWires:
    """Who the central system tells. `link`: the websocket edge; `clock`: who may follow the backend's clock.

    `maintenance`: files, certificates and the installer.
    """

    store: Address[StoreMessage]
    journal: Address[FactTaken | FactDelivered]
    link: Address[BackendLinkMessage]
    authorizer: Address[AuthorizerMessage]
    charge_points: Mapping[str, Address[ChargePointMessage]]
    view: Address[Report]
    alarms: Address[Alarm]
    clock: Address[ClockOffered]
    coordinator: Address[HoldLimits] = Nowhere()
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

    def _perform(self, effect: CentralSystemEffect) -> None:  # noqa: C901 - a flat union
        match effect:
            case SendCall() | SendResult() | SendError() | ResetLink() | ReportLink() | UseConnection():
                self._wires.link.tell(effect)
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case FactTaken() | FactDelivered():
                self._wires.journal.tell(effect)
            case BackendAuthorized():
                self._wires.authorizer.tell(effect)
            case StartRemotely(request_id, connector, id_tag, first):
                self._wires.authorizer.tell(RemoteStart(request_id, connector, id_tag, first, self._me))
            case BackendReported():
                self._wires.view.tell(effect)
                self._wires.authorizer.tell(BackendOnline(effect.state == "online"))
            case Alarm():
                self._wires.alarms.tell(effect)
            case ClockOffered():
                self._wires.clock.tell(effect)
            case ReservationsHeld() | LocalListHeld():
                self._wires.authorizer.tell(effect)
            case ConnectorReserved(point):
                if point in self._wires.charge_points:
                    self._wires.charge_points[point].tell(effect)
            case HoldLimits():
                self._wires.coordinator.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)
            case TransactionAssigned() | StopRemotely() | SettingChanged() | SettingsRepeated() | RepeatLevels():
                self._tell_charge_points(effect)
            case _:
                self._wires.maintenance.tell(effect)

    def _tell_charge_points(
        self, effect: TransactionAssigned | StopRemotely | SettingChanged | SettingsRepeated | RepeatLevels
    ) -> None:
        match effect:
            case TransactionAssigned(point):
                address = self._wires.charge_points.get(point)
                if address is not None:  # it left the configuration since
                    address.tell(effect)
            case StopRemotely(request_id, point, session):
                address = self._wires.charge_points.get(point)
                if address is None:
                    self._me.tell(Undeliverable(request_id, f"there is no charge point {point} any more"))
                else:
                    address.tell(RemoteStop(request_id, point, session, self._me))
            case SettingsRepeated(point, settings):
                for setting in settings:
                    self._wires.charge_points[point].tell(setting)
            case SettingChanged() | RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)

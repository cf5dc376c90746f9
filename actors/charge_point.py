"""A charge point as an actor: feeds the state machine and carries its effects to those they are for."""

from __future__ import annotations

from msgspec import Struct

from actors.address import Address
from actors.messages import (
    ChargePointMessage,
    DriverMessage,
    JournalMessage,
    Report,
)
from actors.worker import Worker
from actors.world import World
from park.charging.charge_point import initial, step
from park.charging.report import ChargePointReported
from park.charging.settings import ChargePointSettings
from park.charging.state import Answer, Effect
from park.model.access import ConnectorStatusChanged, OccupancyChanged, RepeatSettings
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.evse import MoveRecloser, ReportLevels, SetContactor, SetLock, Signal
from park.model.session import RecordFact, RecoverSession
from park.model.signals import WakeAt


class ChargePointWires(Struct, frozen=True):
    """Who a charge point tells. `driver`: its electronics."""

    driver: Address[DriverMessage]
    journal: Address[JournalMessage]
    coordinator: Address[DemandChanged | CurrentSignalled]
    authorizer: Address[OccupancyChanged]
    central: Address[ConnectorStatusChanged | RepeatSettings]
    view: Address[Report]

    def carry(self, effect: Effect) -> None:
        """Bring an effect to whom it is for; a wake-up is the actor's own."""
        match effect:
            case WakeAt():
                pass
            case Signal() | SetContactor() | SetLock() | MoveRecloser() | ReportLevels():
                self.driver.tell(effect)
            case DemandChanged() | CurrentSignalled():
                self.coordinator.tell(effect)
            case OccupancyChanged():
                self.authorizer.tell(effect)
            case RecordFact() | RecoverSession():
                self.journal.tell(effect)
            case ConnectorStatusChanged() | RepeatSettings():
                self.central.tell(effect)
            case ChargePointReported():
                self.view.tell(effect)
            case Answer(reply_to, answer):
                reply_to.tell(answer)


class ChargePoint(Worker[ChargePointMessage]):
    def __init__(self, world: World, settings: ChargePointSettings, wires: ChargePointWires) -> None:
        super().__init__(world)
        self._wires = wires
        self._state = initial(settings)

    def receive(self, message: ChargePointMessage) -> None:
        self._state, effects = step(self._state, message, self.now())
        for effect in effects:
            if isinstance(effect, WakeAt):
                self.wake_at(effect.mono)
            else:
                self._wires.carry(effect)

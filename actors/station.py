"""The board as an actor: its heartbeat."""

from __future__ import annotations

from actors.address import Address
from actors.messages import StationMessage
from actors.worker import Worker
from actors.world import World
from park import station
from park.model.demand import BoardHeartbeat
from park.model.signals import WakeAt
from park.station import StationState


class Station(Worker[StationMessage]):
    def __init__(self, world: World, state: StationState, coordinator: Address[BoardHeartbeat]) -> None:
        super().__init__(world)
        self._state, self._coordinator = state, coordinator

    def receive(self, message: StationMessage) -> None:
        self._state, effects = station.step(self._state, message, self.now())
        for effect in effects:
            match effect:
                case BoardHeartbeat():
                    self._coordinator.tell(effect)
                case WakeAt(mono):
                    self.wake_at(mono)

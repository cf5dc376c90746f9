"""A meter as an actor: readings go to all who count on it."""

from __future__ import annotations

from actors.address import Address
from actors.messages import MeterMessage, Report
from actors.worker import Worker
from actors.world import World
from park.metering import meter
from park.metering.meter import MeterSettings
from park.model.metering import MeterReported, ReadingTaken
from park.model.signals import WakeAt


class Meter(Worker[MeterMessage]):
    """`listeners`: the coordinator for every meter, and its charge point for a point's own."""

    def __init__(
        self,
        world: World,
        settings: MeterSettings,
        listeners: tuple[Address[ReadingTaken], ...],
        view: Address[Report],
    ) -> None:
        super().__init__(world)
        self._listeners, self._view = listeners, view
        self._state = meter.Meter(settings)

    def receive(self, message: MeterMessage) -> None:
        self._state, effects = meter.step(self._state, message, self.now())
        for effect in effects:
            match effect:
                case ReadingTaken():
                    for listener in self._listeners:
                        listener.tell(effect)
                case MeterReported():
                    self._view.tell(effect)
                case WakeAt(mono):
                    self.wake_at(mono)

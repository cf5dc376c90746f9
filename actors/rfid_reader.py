"""A card reader as an actor: presentations go to the authorizer, feedback back to the device."""

from __future__ import annotations

from actors.address import Address
from actors.messages import DriverMessage, ReaderMessage
from actors.worker import Worker
from actors.world import World
from park.authorization import reader
from park.model.access import CardPresented, ShowFeedback


class RfidReader(Worker[ReaderMessage]):
    def __init__(
        self, world: World, name: str, authorizer: Address[CardPresented], driver: Address[DriverMessage]
    ) -> None:
        super().__init__(world)
        self._authorizer, self._driver = authorizer, driver
        self._state = reader.Reader(name)

    def receive(self, message: ReaderMessage) -> None:
        self._state, effects = reader.step(self._state, message, self.now())
        for effect in effects:
            match effect:
                case CardPresented():
                    self._authorizer.tell(effect)
                case ShowFeedback():
                    self._driver.tell(effect)

"""A card reader as an actor: presentations go to the authorizer, feedback back to the device."""

from __future__ import annotations

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import DriverMessage, ReaderMessage
from actors.worker import Worker
from actors.world import World
from park.authorization import reader
from park.authorization.reader import DefaultsWanted, ReaderEffect, RebootWanted, ServiceTags
from park.exchange.messages import RestartOrdered
from park.model.access import CardPresented, ShowFeedback
from park.ocpp.orders import RestoreDefaults


class Service(Struct, frozen=True):
    """The tags of a reader that charge nothing, and who obeys them; a board without a central system has no keys."""

    tags: ServiceTags = ServiceTags()
    node: Address[RestartOrdered] = Nowhere()
    central: Address[RestoreDefaults] = Nowhere()


class RfidReader(Worker[ReaderMessage]):
    def __init__(
        self,
        world: World,
        name: str,
        authorizer: Address[CardPresented],
        driver: Address[DriverMessage],
        service: Service = Service(),
    ) -> None:
        super().__init__(world)
        self._authorizer, self._driver, self._service = authorizer, driver, service
        self._state = reader.Reader(name, service.tags)

    def receive(self, message: ReaderMessage) -> None:
        self._state, effects = reader.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: ReaderEffect) -> None:
        match effect:
            case CardPresented():
                self._authorizer.tell(effect)
            case ShowFeedback():
                self._driver.tell(effect)
            case RebootWanted():
                self._service.node.tell(RestartOrdered(hard=False))
            case DefaultsWanted():
                self._service.central.tell(RestoreDefaults(f"tag at reader {self._state.name}"))

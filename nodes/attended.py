"""A charge point's address, behind which somebody is left when its controller has given up: the farewell's."""

from __future__ import annotations

from collections.abc import Callable

from actors.address import Address
from actors.messages import ChargePointMessage, DriverMessage
from park.charging.farewell import orders_again
from park.charging.settings import ChargePointSettings
from park.model.evse import EvseReported
from park.model.time import Now


class AttendedPoint:
    """Told from any thread. After `leave`, electronics that missed the farewell or forgot it are told it again."""

    def __init__(
        self,
        settings: ChargePointSettings,
        controller: Address[ChargePointMessage],
        driver: Address[DriverMessage],
        now: Callable[[], Now],
    ) -> None:
        self._settings, self._controller, self._driver, self._now = settings, controller, driver, now
        self._left = False

    def leave(self) -> None:
        """The controller has given up; before the farewell is told, so that no report falls between."""
        self._left = True

    def tell(self, message: ChargePointMessage, /) -> None:
        self._controller.tell(message)
        if self._left and isinstance(message, EvseReported):
            for order in orders_again(self._settings, message, self._now()):
                self._driver.tell(order)

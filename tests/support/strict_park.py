"""A running node with charge points before the strict central system of the peers."""

from __future__ import annotations

from typing import Any

from support.rig import Rig, eventually
from support.strict import StrictBackend


class Park:
    """A running node and its backend; each test has a charge point of its own."""

    def __init__(self, node: Rig) -> None:
        self.rig = node
        self.csms = StrictBackend(node)
        node.start_node()
        eventually("the node is online", node.online)

    def statuses(self, connector: int) -> list[str]:
        return [each["status"] for each in self.csms.calls("StatusNotification", connectorId=connector)]

    def starts(self, connector: int) -> list[dict[str, Any]]:
        return self.csms.calls("StartTransaction", connectorId=connector)

    def transaction(self, connector: int) -> int:
        """The number of the session that runs on this connector, once its start has an answer."""
        eventually("a reading with the number", lambda: self._running(connector))
        return self._running(connector).pop()

    def _running(self, connector: int) -> set[int]:
        readings = self.csms.calls("MeterValues", connectorId=connector)
        told = {each["transactionId"] for each in readings if "transactionId" in each}
        return told - {each["transactionId"] for each in self.csms.calls("StopTransaction")}

    def stop(self, transaction: int) -> dict[str, Any]:
        eventually("the stop is delivered", lambda: self.csms.calls("StopTransaction", transactionId=transaction))
        (stop,) = self.csms.calls("StopTransaction", transactionId=transaction)
        return stop

    def free(self, connector: int) -> None:
        """Nobody is left on the connector."""
        if self.rig.evse(f"cp{connector}").HasField("vehicle"):
            self.rig.unplug(f"cp{connector}")
        eventually("it is available again", lambda: self.statuses(connector)[-1] == "Available")

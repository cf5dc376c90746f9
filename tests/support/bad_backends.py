"""Backends of the simulated world that behave badly, each in one way."""

from __future__ import annotations

from nodes.simulation.backend import SimulatedBackend
from park.ocpp.link import CallFailed, LinkLost, SendCall
from park.ocpp.wire import TRANSACTION_ACTIONS

FLAP_SECONDS = 3.0
LATE_SECONDS = 45.0  # half as much again as MessageResponseTimeOut
SLOW_SECONDS = 20.0
REFUSED_CONNECTOR = 1


class Flapping(SimulatedBackend):
    """Every connection ends after three seconds: a broken proxy, or somebody else with our identity (OCPP-J 1.6 §3)."""

    boots: int = 0

    def _serve(self, call: SendCall) -> None:
        self.boots += call.action == "BootNotification"
        super()._serve(call)

    def _reconnect(self) -> None:
        before = self._link
        super()._reconnect()
        if self._link != before:
            link = self._link
            self._world.after(FLAP_SECONDS, lambda: self._close(link))

    def _close(self, link: int) -> None:
        if self._up and link == self._link:
            self._lose("closed by the backend")
            self._world.after(self._random.uniform(1.0, 2.0), self._reconnect)


class Late(SimulatedBackend):
    """Starts are answered when nobody waits for the answer any more; the link stays."""

    def _deliver(self, unique_id: str, answer: object, link: int) -> None:
        late = LATE_SECONDS if isinstance(answer, dict) and "transactionId" in answer else 0.0
        self._world.after(late, lambda: super(Late, self)._deliver(unique_id, answer, link))  # type: ignore[arg-type]


class Slow(SimulatedBackend):
    """Answers everything, and takes its time."""

    def _serve(self, call: SendCall) -> None:
        link = self._link
        self._world.after(SLOW_SECONDS / 2, lambda: self._receive(call, link, SLOW_SECONDS / 2))


class Refusing(SimulatedBackend):
    """Answers every start of one connector with a CALLERROR, for ever."""

    refused: int = 0

    def _receive(self, call: SendCall, link: int, back: float) -> None:
        if not self._is_poison(call):
            super()._receive(call, link, back)
        elif link == self._link and self._up and self._central is not None:
            self.refused += 1
            self._say_nothing(call)

    def _is_poison(self, call: SendCall) -> bool:
        return call.action == "StartTransaction" and call.payload["connectorId"] == REFUSED_CONNECTOR

    def _say_nothing(self, call: SendCall) -> None:
        if self._central is not None:
            self._central.tell(CallFailed(call.unique_id, "InternalError", "no"))


class Choking(Refusing):
    """The same, but it says nothing at all to such a start, and answers everything else."""

    def _say_nothing(self, call: SendCall) -> None:
        pass


class Torn(SimulatedBackend):
    """Takes each first transmission of a transaction message, and then the link is gone before the answer."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._taken: set[str] = set()

    def _deliver(self, unique_id: str, answer: object, link: int) -> None:
        if link == self._link and self._up and self._first(unique_id):
            self.lost += 1
            self._up = False
            self._forget_orders()
            if self._central is not None:
                self._central.tell(LinkLost("gone before the answer"))
            self._world.after(1.0, self._reconnect)
            return
        super()._deliver(unique_id, answer, link)  # type: ignore[arg-type]

    def _serve(self, call: SendCall) -> None:
        if call.action in TRANSACTION_ACTIONS:
            self._transaction_calls[call.unique_id] = f"{call.action} {sorted(call.payload.items(), key=str)}"
        super()._serve(call)

    @property
    def _transaction_calls(self) -> dict[str, str]:
        return self.__dict__.setdefault("transaction_calls", {})

    def _first(self, unique_id: str) -> bool:
        what = self._transaction_calls.get(unique_id)
        if what is None or what in self._taken:
            return False
        self._taken.add(what)
        return True

"""The backend of the simulated world: answers after a while or never, goes away, and keeps the demo's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from actors.address import Address
from nodes.simulation.scenario import Backend
from nodes.simulation.world import SimulatedWorld
from nodes.virtual.ledger import Ledger
from park.ocpp.link import (
    BackendCalled,
    CallAnswered,
    LinkEvent,
    LinkLost,
    LinkOrder,
    LinkUp,
    Payload,
    ReportLink,
    ResetLink,
    SendCall,
    SendError,
    SendResult,
)
from park.ocpp.wire import iso

RECONNECT_SECONDS = 5.0  # the edge's first tries come within seconds
HEARTBEAT_SECONDS = 300
IN_MEMORY = Path(":memory:")


class SimulatedBackend:
    """`Address[LinkOrder]`: the edge and the backend behind it in one. `refused`: id tags it takes for blocked."""

    def __init__(
        self,
        world: SimulatedWorld,
        random: Random,
        manners: Backend,
        seen: Callable[[SendCall], None],
        refused: frozenset[str] = frozenset(),
    ) -> None:
        self.ledger = Ledger(IN_MEMORY)
        self.calls = 0
        self.lost = 0
        self.outages = 0
        self.orders: Counter[str] = Counter()  # by action, and the status of the answer or why there is none
        self.verdict = "Accepted"  # on the id tags of transactions that start, unless they are refused anyway
        self._world, self._random, self._seen, self._refused = world, random, seen, refused
        self._answer_seconds, self._lost_answers = manners.answer_seconds, manners.lost_answers
        self._identity = ""
        self._serial = 1
        self._central: Address[LinkEvent] | None = None
        self._link = 0
        self._up = False
        self._away = False
        self._asked: dict[str, str] = {}  # action by unique id of the order

    def connect(self, identity: str, central: Address[LinkEvent]) -> None:
        """Name who is told; the link comes up."""
        self._identity, self._central = identity, central
        self._reconnect()

    def disconnect(self) -> None:
        """The node is gone: what was under way is lost."""
        self._up, self._central = False, None
        self._forget_orders()

    def go_away(self, seconds: float) -> None:
        """An outage: the link breaks, answers under way are lost, nobody connects until it ends."""
        self._away = True
        self.outages += 1
        self._lose("the backend is away")
        self._world.after(seconds, self._return)

    def order(self, action: str, payload: Payload) -> None:
        """Ask the park for something, over the link that is there now."""
        if not self._up or self._central is None:
            self.orders[f"{action} without a link"] += 1
            return
        unique_id = f"order-{self._serial}"
        self._serial += 1
        self._asked[unique_id] = action
        link, there = self._link, self._random.uniform(*self._answer_seconds) / 2
        self._world.after(there, lambda: self._ordered(unique_id, action, payload, link))

    def _ordered(self, unique_id: str, action: str, payload: Payload, link: int) -> None:
        if link == self._link and self._up and self._central is not None:
            self._central.tell(BackendCalled(unique_id, action, payload))

    def _answered(self, unique_id: str, status: str) -> None:
        action = self._asked.pop(unique_id, None)
        if action is not None:
            self.orders[f"{action} {status}"] += 1

    def tell(self, message: LinkOrder, /) -> None:
        """Take an order of the central system."""
        match message:
            case SendCall() if self._up and message.link == self._link:
                self._seen(message)
                self._serve(message)
            case ReportLink():
                self._report()
            case ResetLink() if message.link == self._link:
                self._lose(message.reason)
                self._world.after(RECONNECT_SECONDS, self._reconnect)
            case SendResult(unique_id=unique_id, payload=payload):
                self._answered(unique_id, str(payload.get("status")))
            case SendError(unique_id=unique_id):
                self._answered(unique_id, "error")
            case _:  # orders for a link that is gone
                pass

    def _serve(self, call: SendCall) -> None:
        link = self._link
        least, most = self._answer_seconds
        there = self._random.uniform(least, most) / 2
        self._world.after(there, lambda: self._receive(call, link, there))

    def _receive(self, call: SendCall, link: int, back: float) -> None:
        if link != self._link or not self._up:
            return
        self.calls += 1
        answer = self._answer(call)
        if self._random.random() < self._lost_answers:
            self.lost += 1
            return
        self._world.after(back, lambda: self._deliver(call.unique_id, answer, link))

    def _deliver(self, unique_id: str, answer: Payload, link: int) -> None:
        if link == self._link and self._up and self._central is not None:
            self._central.tell(CallAnswered(unique_id, answer))

    def _answer(self, call: SendCall) -> Payload:
        at = iso(self._world.now().wall)
        accepted = {"status": "Accepted"}
        match call.action:
            case "BootNotification":
                return {**accepted, "currentTime": at, "interval": HEARTBEAT_SECONDS}
            case "Heartbeat":
                return {"currentTime": at}
            case "Authorize":
                return {"idTagInfo": self._verdict(call.payload)}
            case "StartTransaction":
                number = self.ledger.start(at, self._identity, call.unique_id, call.payload)
                return {"transactionId": number, "idTagInfo": self._verdict(call.payload, self.verdict)}
            case "StopTransaction" | "MeterValues":
                self.ledger.record(at, self._identity, call.action, call.unique_id, call.payload)
                return {}
            case _:
                return {}

    def _verdict(self, payload: Payload, otherwise: str = "Accepted") -> Payload:
        return {"status": "Blocked" if payload["idTag"] in self._refused else otherwise}

    def _lose(self, reason: str) -> None:
        self._up = False
        self._forget_orders()
        if self._central is not None:
            self._central.tell(LinkLost(reason))

    def _forget_orders(self) -> None:
        for action in self._asked.values():
            self.orders[f"{action} unanswered"] += 1
        self._asked.clear()

    def _return(self) -> None:
        self._away = False
        self._world.after(self._random.uniform(0.0, RECONNECT_SECONDS), self._reconnect)

    def _reconnect(self) -> None:
        if self._away or self._up or self._central is None:
            return
        self._link += 1
        self._up = True
        self._central.tell(LinkUp(self._link))

    def _report(self) -> None:
        if self._central is not None:
            self._central.tell(LinkUp(self._link) if self._up else LinkLost("not connected yet"))

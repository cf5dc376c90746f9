"""The enrolment as an actor: boards and people ask, the store keeps, the ports are told who belongs to the park."""

from __future__ import annotations

from msgspec import Struct

from actors.address import Address
from actors.messages import AdmissionMessage, Alarm, EnrolmentMessage, StoreMessage
from actors.worker import Worker
from actors.world import World
from park.model.signals import WakeAt
from park.model.storage import Commit, Load, LoadRows, Write
from park.pairing import enrolment, state
from park.pairing.events import BoardRevoked, BoardsAdmitted, PairingPortWanted
from park.pairing.state import EnrolmentEffect, EnrolmentSettings, JoinAnswered, ListAnswered, OrderAnswered


class EnrolmentWires(Struct, frozen=True):
    """Who the enrolment tells. `boards`: whatever lets boards in, and has to put them out."""

    store: Address[StoreMessage]
    boards: Address[AdmissionMessage]
    port: Address[PairingPortWanted]
    alarms: Address[Alarm]


class Enrolment(Worker[EnrolmentMessage]):
    def __init__(
        self, world: World, me: Address[EnrolmentMessage], settings: EnrolmentSettings, wires: EnrolmentWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires = me, wires
        self._state = state.Enrolment(settings)

    def receive(self, message: EnrolmentMessage) -> None:
        self._state, effects = enrolment.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: EnrolmentEffect) -> None:
        match effect:
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case JoinAnswered(request, answer):
                request.reply_to.tell(answer)
            case OrderAnswered(order, answer):
                order.reply_to.tell(answer)
            case ListAnswered(question, answer):
                question.reply_to.tell(answer)
            case BoardsAdmitted() | BoardRevoked():
                self._wires.boards.tell(effect)
            case PairingPortWanted():
                self._wires.port.tell(effect)
            case Alarm():
                self._wires.alarms.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)

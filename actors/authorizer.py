"""The authorizer as an actor: cards and remote starts in, authorizations and feedback out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.address import Address
from actors.messages import AuthorizerMessage, CentralSystemMessage, ChargePointMessage, ReaderMessage, StoreMessage
from actors.worker import Worker
from actors.world import World
from park.authorization import authorizer
from park.authorization.authorizer import AuthorizerEffect
from park.authorization.refusals import KeepRefusals, LoadRefusals
from park.authorization.settings import AuthorizerSettings
from park.model.access import Answer, AuthorizationGranted, AuthorizeWithBackend, ShowFeedback, StopSession
from park.model.signals import RepeatLevels, WakeAt
from park.model.storage import Commit, LoadRows


@dataclass(frozen=True, slots=True)
class AuthorizerWires:
    """Who the authorizer tells."""

    charge_points: Mapping[str, Address[ChargePointMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    central: Address[CentralSystemMessage]
    store: Address[StoreMessage]


class Authorizer(Worker[AuthorizerMessage]):
    def __init__(
        self, world: World, me: Address[AuthorizerMessage], settings: AuthorizerSettings, wires: AuthorizerWires
    ) -> None:
        super().__init__(world)
        self._me, self._wires = me, wires
        self._state = authorizer.Authorizer(settings)

    def receive(self, message: AuthorizerMessage) -> None:
        self._state, effects = authorizer.step(self._state, message, self.now())
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: AuthorizerEffect) -> None:
        match effect:
            case AuthorizationGranted(point) | StopSession(point):
                self._wires.charge_points[point].tell(effect)
            case AuthorizeWithBackend():
                self._wires.central.tell(effect)
            case ShowFeedback(reader):
                self._wires.readers[reader].tell(effect)
            case Answer(reply_to, answer):
                reply_to.tell(answer)
            case LoadRefusals(table):
                self._wires.store.tell(LoadRows((table,), self._me))
            case KeepRefusals(writes):
                self._wires.store.tell(Commit(writes, 0, self._me))
            case RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)

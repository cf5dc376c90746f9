"""The authorizer as an actor: cards and remote starts in, authorizations and feedback out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from actors.address import Address, Nowhere
from actors.messages import (
    Alarm,
    AuthorizerMessage,
    CentralSystemMessage,
    ChargePointMessage,
    ReaderMessage,
    StoreMessage,
)
from actors.worker import Worker
from actors.world import World
from park.authorization import authorizer
from park.authorization.authorizer import AuthorizerEffect
from park.authorization.messages import AnswerTags, ListChanged, RulesChanged
from park.authorization.settings import AuthorizerSettings
from park.model.access import (
    Answer,
    AuthorizationGranted,
    AuthorizeWithBackend,
    RepeatSettings,
    ShowFeedback,
    StopSession,
)
from park.model.signals import RepeatLevels, WakeAt
from park.model.storage import Commit, Load, LoadRows, Write


class AuthorizerWires(Struct, frozen=True):
    """Who the authorizer tells. `readers`: finds those of other boards as NODE/READER too.

    `boards`: by node; one that is told `RepeatLevels` announces its readers again. `rules`: takes those for all boards.
    """

    charge_points: Mapping[str, Address[ChargePointMessage]]
    readers: Mapping[str, Address[ReaderMessage]]
    central: Address[CentralSystemMessage]
    store: Address[StoreMessage]
    boards: Mapping[str, Address[RepeatLevels]] = field(default_factory=dict[str, Address[RepeatLevels]])
    rules: Address[RulesChanged | ListChanged] = Nowhere()
    alarms: Address[Alarm] = Nowhere()


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
            case ShowFeedback():
                self._show(effect)
            case Answer(reply_to, answer):
                reply_to.tell(answer)
            case AnswerTags(reply_to, listed):
                reply_to.tell(listed)
            case RulesChanged() | ListChanged():
                self._wires.rules.tell(effect)
            case Alarm():
                self._wires.alarms.tell(effect)
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._me))
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._me))
            case RepeatLevels():
                self._wires.central.tell(RepeatSettings(RepeatSettings.AUTHORIZER))
                for address in (*self._wires.charge_points.values(), *self._wires.boards.values()):
                    address.tell(effect)
                self._wires.central.tell(RepeatSettings(RepeatSettings.AUTHORIZER))
            case WakeAt(mono):
                self.wake_at(mono)

    def _show(self, feedback: ShowFeedback) -> None:
        try:
            reader = self._wires.readers[feedback.reader]
        except KeyError:  # of a board that left
            return
        reader.tell(feedback)

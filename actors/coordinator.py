"""The load management as an actor: wishes, readings and confirmations in, grants out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.address import Address, Nowhere
from actors.messages import Alarm, ChargePointMessage, CoordinatorMessage, Report, StoreMessage
from actors.worker import Worker
from actors.world import World
from park.load import levels
from park.load.coordinator import Recompute
from park.load.group import GroupSettings
from park.load.levels import LevelState
from park.load.limit_answers import AnswerLimit
from park.load.limiting import LimitEffect
from park.load.report import CircuitReported, EpochTaken, LimitsReported, ShareReported
from park.load.reporting import ShowShares
from park.load.rivalry import StandingReported
from park.load.state import CoordinatorSettings
from park.load.subordinate import SubordinateEffect, TellAbove, Upward
from park.load.told import LapseKept
from park.model.access import RepeatSettings
from park.model.grant import ApplyGrant
from park.model.signals import RepeatLevels, Start, WakeAt
from park.model.storage import Commit, Load, LoadRows, Write


class CoordinatorWires(Struct, frozen=True):
    """Who the coordinator tells. `epochs`: whoever keeps the epoch on disk. `standing`: whoever lets boards in.

    `told`: whoever keeps on disk what boards may fall to. `store` keeps the limits and answers to `me`, the
    coordinator's own address. `settings`: who repeats what a backend or its keys limit. `above`: the link to the park
    this one is a group of.
    """

    charge_points: Mapping[str, Address[ChargePointMessage]]
    view: Address[Report]
    epochs: Address[EpochTaken]
    standing: Address[StandingReported] = Nowhere()
    told: Address[LapseKept] = Nowhere()
    alarms: Address[Alarm] = Nowhere()
    store: Address[StoreMessage] = Nowhere()
    me: Address[CoordinatorMessage] = Nowhere()
    settings: Address[RepeatSettings] = Nowhere()
    above: Address[Upward] = Nowhere()


class Coordinator(Worker[CoordinatorMessage]):
    def __init__(
        self, world: World, settings: CoordinatorSettings, wires: CoordinatorWires, group: GroupSettings | None = None
    ) -> None:
        super().__init__(world)
        self._settings, self._wires, self._group = settings, wires, group
        self._state: LevelState | None = None

    def receive(self, message: CoordinatorMessage) -> None:
        now = self.now()
        if self._state is None or isinstance(message, Start):
            self._state = levels.initial(self._settings, self._group, now)
        self._state, effects = levels.step(self._state, message, now)
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: SubordinateEffect) -> None:
        match effect:
            case ApplyGrant(grant):
                self._wires.charge_points[grant.charge_point].tell(effect)
            case TellAbove(message):
                self._wires.above.tell(message)
            case Recompute() | ShowShares():
                self.remember(effect)
            case CircuitReported() | ShareReported() | LimitsReported():
                self._wires.view.tell(effect)
            case EpochTaken():
                self._wires.epochs.tell(effect)
            case LapseKept():
                self._wires.told.tell(effect)
            case StandingReported():
                self._wires.standing.tell(effect)
            case RepeatLevels():
                for address in self._wires.charge_points.values():
                    address.tell(effect)
            case WakeAt(mono):
                self.wake_at(mono)
            case _:
                self._keep(effect)

    def _keep(self, effect: LimitEffect) -> None:
        match effect:
            case AnswerLimit(reply_to, outcome):
                reply_to.tell(outcome)
            case Alarm():
                self._wires.alarms.tell(effect)
            case Load(tables):
                self._wires.store.tell(LoadRows(tables, self._wires.me))
            case Write(writes, token):
                self._wires.store.tell(Commit(writes, token, self._wires.me))

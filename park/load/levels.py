"""A coordinator on whichever level: one that leads a park alone, or one below another."""

from __future__ import annotations

from typing import TypeAlias

from park.load import coordinator, subordinate
from park.load.group import GroupSettings
from park.load.state import CoordinatorSettings, CoordinatorState
from park.load.subordinate import Subordinate, SubordinateEffect, SubordinateEvent
from park.model.grant import ApplyGrant
from park.model.placement import Placed
from park.model.signals import RepeatLevels
from park.model.time import Now

LevelState: TypeAlias = CoordinatorState | Subordinate


def initial(settings: CoordinatorSettings, group: GroupSettings | None, now: Now) -> LevelState:
    """`group`: as what it is known in the park above; None: nothing is above."""
    return coordinator.initial(settings, now) if group is None else subordinate.initial(settings, group, now)


def step(state: LevelState, event: SubordinateEvent, now: Now) -> tuple[LevelState, tuple[SubordinateEffect, ...]]:
    """Take in one event. What only comes from above is nothing to a coordinator that has nobody there."""
    if isinstance(state, Subordinate):
        return subordinate.step(state, event, now)
    if isinstance(event, ApplyGrant | RepeatLevels | Placed):
        return state, ()
    return coordinator.step(state, event, now)

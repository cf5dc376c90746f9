"""The board itself: it beats once a second, so that grants can be timed on its own clock (safety: Clock)."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from park.model.demand import BoardHeartbeat
from park.model.grant import Stamp
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now

HEARTBEAT_SECONDS = 1.0  # safety §3, Clock: a stamp every second


class StationState(Struct, frozen=True):
    """`boot_id` tells stamps of one run of the process from those of another."""

    node: str
    boot_id: str
    charge_points: tuple[str, ...]
    next_beat: float = 0.0


StationEvent: TypeAlias = Start | Tick
StationEffect: TypeAlias = BoardHeartbeat | WakeAt


def step(state: StationState, event: StationEvent, now: Now) -> tuple[StationState, tuple[StationEffect, ...]]:
    """Beat when due; a late tick beats once and does not make up for lost ones."""
    if isinstance(event, Tick) and now.mono < state.next_beat:
        return state, (WakeAt(state.next_beat),)
    due = now.mono + HEARTBEAT_SECONDS
    beat = BoardHeartbeat(Stamp(state.node, state.boot_id, now.mono), state.charge_points)
    return replace(state, next_beat=due), (beat, WakeAt(due))

"""Conflated wake-ups of one incarnation: a step may ask after every message without filling the timer heap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.world import World


class WakeUps:
    """Each pending wake-up is earlier than all before it, so there are few; a fired one is asked for again."""

    __slots__ = ("_fire", "_pending", "_world")

    def __init__(self, world: World, fire: Callable[[], None]) -> None:
        self._world = world
        self._fire = fire
        self._pending: list[float] = []

    def request(self, mono: float) -> None:
        """Fire at `mono` or soon after, never before; ignored if something earlier is pending."""
        if min(self._pending, default=math.inf) <= mono:
            return
        now = self._world.now().mono
        seconds = mono - now
        while now + seconds < mono:  # rounded down: the tick would come too early and ask again, for ever
            seconds = math.nextafter(seconds, math.inf)
        self._pending.append(mono)
        self._world.after(seconds, lambda: self._due(mono))

    def _due(self, mono: float) -> None:
        self._pending.remove(mono)  # before firing: the step that is woken asks for its next one
        self._fire()

"""The world in virtual time: one thread, a clock that jumps to the next event, and a seed that decides who is first."""

from __future__ import annotations

import heapq
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from actors.mailbox import Mailbox
from park.model.time import Now

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.worker import Worker

BUDGET = 8  # most messages a turn; the seed draws how many, so that bursts of different senders mix
TURNS_PER_INSTANT = 1_000_000  # far more than a park has to say at once: beyond it two actors talk in circles
NOON = datetime(2027, 6, 1, 12, tzinfo=UTC)  # later than this release: a clock that was set


class EndlessInstantError(RuntimeError):
    """Actors keep telling each other without any time passing; the text names who was talking."""


class SimulatedWorld:
    """Same seed, same run. Messages from one actor to another keep their order; all else at one instant is shuffled.

    Timers due at the same instant keep the order in which one actor asked for them; those of different actors are
    shuffled. `wall` is `start` plus the seconds passed plus whatever `jump_wall` added.
    """

    def __init__(self, seed: int, start: datetime = NOON, turns_per_instant: int = TURNS_PER_INSTANT) -> None:
        self._draw = random.Random(seed).random
        self._start = start
        self._now = Now(0.0, start)
        self._mono = 0.0
        self._ready: list[_Turns] = []
        self._timers: list[tuple[float, float, int, Callable[[], None]]] = []
        self._asked = 0
        self._outside = _Turns(None, self._ready)
        self._served = self._outside
        self._turns_per_instant = turns_per_instant
        self._turns_left = turns_per_instant

    def now(self) -> Now:
        """Read the virtual clocks."""
        return self._now

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Call `deliver` when virtual time is `seconds` further."""
        asker = self._served
        if asker.drawn_at != self._mono:
            asker.drawn_at, asker.place = self._mono, self._draw()
        self._asked += 1
        heapq.heappush(self._timers, (self._mono + max(seconds, 0.0), asker.place, self._asked, deliver))

    def launch(self, actor: Worker[Any]) -> None:
        """Let the actor take turns: its `Start` is waiting."""
        self._ready.append(_Turns(actor, self._ready))

    def halt(self, actor: Worker[Any]) -> None:
        """Let the actor handle what it was told, until it has ended."""
        for turns in [waiting for waiting in self._ready if waiting.actor is actor]:
            self._ready.remove(turns)
            while turns.take(BUDGET):
                pass

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back if negative; `mono` does not notice."""
        self._start += timedelta(seconds=seconds)
        self._advance(self._mono)

    def run_for(self, seconds: float) -> None:
        """Live through `seconds` of virtual time; 0 means everything due now."""
        self.run_until(self._mono + seconds)

    def run_until(self, mono: float) -> None:
        """Live until `mono` seconds; raises what a timer callback raises, and EndlessInstantError."""
        self._turns_left = self._turns_per_instant
        self._settle()
        timers = self._timers
        while timers and timers[0][0] <= mono:
            self._advance(timers[0][0])
            while timers and timers[0][0] <= self._mono:
                heapq.heappop(timers)[3]()
                self._turns_left -= 1
                if self._turns_left <= 0:
                    raise EndlessInstantError(self._who_talks())
            self._settle()
        self._advance(max(mono, self._mono))

    def _advance(self, mono: float) -> None:
        if mono != self._mono:
            self._turns_left = self._turns_per_instant
        self._mono = mono
        self._now = Now(mono, self._start + timedelta(seconds=mono))

    def _settle(self) -> None:
        """Give turns in seeded order until nobody has mail at this instant."""
        ready, draw, left = self._ready, self._draw, self._turns_left
        try:
            while ready:
                turns = ready.pop()
                if ready:
                    place = int(draw() * (len(ready) + 1))
                    if place < len(ready):
                        turns, ready[place] = ready[place], turns
                self._served = turns
                if turns.take(1 if turns.mailbox.depth() <= 1 else 1 + int(draw() * BUDGET)):
                    ready.append(turns)
                left -= 1
                if left <= 0:
                    raise EndlessInstantError(self._who_talks())
        finally:
            self._served = self._outside
            self._turns_left = left

    def _who_talks(self) -> str:
        talking = {type(turns.actor).__name__ for turns in (self._served, *self._ready) if turns.actor is not None}
        names = ", ".join(sorted(talking)) or "only timers"
        return f"{self._turns_per_instant} turns at {self._mono} s without time passing; talking: {names}"


class _Turns:
    """One actor's place in the schedule: in `ready` while it has mail, else idle. None: who is no actor."""

    __slots__ = ("_ready", "actor", "drawn_at", "mailbox", "place")

    def __init__(self, actor: Worker[Any] | None, ready: list[_Turns]) -> None:
        self.actor = actor
        self.mailbox = Mailbox() if actor is None else actor.mailbox
        self.drawn_at = -1.0
        self.place = 0.0
        self._ready = ready
        self.mailbox.bind(self._arrived)

    def take(self, budget: int) -> bool:
        """Handle at most `budget` messages; true when more are waiting."""
        actor, mailbox = self.actor, self.mailbox
        if actor is None:
            return False
        mailbox.open_turn(budget)
        if not actor.turn():
            if isinstance(actor.interrupted, KeyboardInterrupt):
                raise actor.interrupted  # Ctrl-C struck inside a handler: it means the run
            return False
        if mailbox.empty():
            mailbox.idle = True
            return False
        return True

    def _arrived(self) -> None:
        self.mailbox.idle = False
        self._ready.append(self)

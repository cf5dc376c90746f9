"""A few threads for many light actors: what a server with hundreds of charge points runs on."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from nodes.field import clock
from nodes.field.threads import HALT_SECONDS
from nodes.field.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.worker import Worker
    from park.model.time import Now

BUDGET = 64  # messages a turn: a flooded actor lets its neighbours in after about a millisecond


class PoolWorld:
    """Actors with mail wait in one line; a thread takes the first and gives it a turn of at most `BUDGET` messages."""

    def __init__(self, threads: int = 2) -> None:
        self._timers = Timers()
        self._line: queue.SimpleQueue[_Turns | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, name=f"pool-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def now(self) -> Now:
        """Read the clocks of the board."""
        return clock.now()

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Call `deliver` on the timer thread in `seconds`."""
        self._timers.after(seconds, deliver)

    def launch(self, actor: Worker[Any]) -> None:
        """Put the actor in the line for its first turn: its `Start` is waiting."""
        self._line.put(_Turns(actor, self._line))

    def halt(self, actor: Worker[Any]) -> None:
        """Wait until the actor has ended, at most `HALT_SECONDS`."""
        actor.ended.wait(HALT_SECONDS)

    def close(self) -> None:
        """End the pool's threads and the timer thread; the actors are stopped by their supervisor."""
        self._timers.close()
        for _ in self._threads:
            self._line.put(None)
        for thread in self._threads:
            thread.join(HALT_SECONDS)

    def _serve(self) -> None:
        while (turns := self._line.get()) is not None:
            turns.take()


class _Turns:
    """One actor in the pool: in the line, or served by one thread, or idle; never two of these."""

    def __init__(self, actor: Worker[Any], line: queue.SimpleQueue[_Turns | None]) -> None:
        self._actor = actor
        self._line = line
        self._mailbox = actor.mailbox
        self._lock = threading.Lock()
        self._mailbox.bind(self._arrived)

    def take(self) -> None:
        """Handle some mail, then queue again for the rest, or be idle until some arrives."""
        self._mailbox.open_turn(BUDGET)
        if not self._actor.turn():
            return
        self._mailbox.idle = True
        if not self._mailbox.empty():  # posted before `idle` was seen: its sender did not wake us
            self._arrived()

    def _arrived(self) -> None:
        with self._lock:
            if not self._mailbox.idle:
                return
            self._mailbox.idle = False
        self._line.put(self)

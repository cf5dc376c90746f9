"""A thread per actor: the preset for a board, where an actor that computes long must not delay another."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from nodes.field import clock
from nodes.field.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.worker import Worker
    from park.model.time import Now

HALT_SECONDS = 5.0  # an actor neither blocks nor sleeps; one that still runs then is left behind on its daemon thread


class ThreadWorld:
    """Daemon threads, named after the actor's class. `now` reads the clocks of the board."""

    def __init__(self, now: Callable[[], Now] = clock.now) -> None:
        self._timers = Timers()
        self._now = now

    def now(self) -> Now:
        """Read the clocks of the board."""
        return self._now()

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Call `deliver` on the timer thread in `seconds`."""
        self._timers.after(seconds, deliver)

    def launch(self, actor: Worker[Any]) -> None:
        """Start the actor's thread."""
        threading.Thread(target=actor.live, name=type(actor).__name__, daemon=True).start()

    def halt(self, actor: Worker[Any]) -> None:
        """Wait until the actor has ended, at most `HALT_SECONDS`."""
        actor.ended.wait(HALT_SECONDS)

    def close(self) -> None:
        """End the timer thread; the actors are stopped by their supervisor."""
        self._timers.close()

"""What an actor may ask of the place it runs in: time, a timer and somewhere to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.worker import Worker
    from park.model.time import Now


class World(Protocol):
    """Threads, a pool or a simulation: chosen by the composition root, unknown to the actor classes."""

    def now(self) -> Now:
        """Read both clocks of this world."""
        ...

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Call `deliver` once, `seconds` from now or soon after; it can not be cancelled.

        It runs on the timer thread (field) or in the scheduler (simulation), so it only tells. Zero and
        negative seconds mean as soon as possible, still not inside this call.
        """
        ...

    def launch(self, actor: Worker[Any]) -> None:
        """Give a constructed actor its thread, its place in the pool or its turns."""
        ...

    def halt(self, actor: Worker[Any]) -> None:
        """Wait until an actor that was told to stop has ended; at most a few seconds in the field.

        Called by the supervisor when a whole node stops: never from an actor, never on the event loop.
        """
        ...

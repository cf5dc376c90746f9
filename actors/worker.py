"""The actor class under every charge point, meter and coordinator: pykka's loop in any world, with time as messages."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, final

import pykka
from pykka.messages import _ActorStop  # pyright: ignore[reportPrivateUsage]

from actors.mailbox import Mailbox
from actors.supervision import HandlerInterrupted
from actors.wakeups import WakeUps
from park.model.signals import Start, Tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.world import World
    from park.model.time import Now

__all__ = ["Start", "Tick", "Worker"]

M = TypeVar("M")
_TICK = Tick()


class Worker(pykka.Actor, Generic[M]):
    """One incarnation of an actor: told `Start` first, never asked, replaced by its supervisor when `receive` raises.

    A constructor only stores its arguments: it runs on the thread of whoever (re)starts the actor.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._wakeups = WakeUps(world, lambda: self._remind(_TICK))
        self._bereaved: Callable[[BaseException], None] = _unsupervised
        self._dropped: Callable[[object], None] = _unsupervised
        self.ended = threading.Event()
        self.handled = 0
        self.handling: object = None
        self.interrupted: BaseException | None = None
        super().__init__()
        self.mailbox.post(Start())

    @property
    def mailbox(self) -> Mailbox:
        """The inbox of this incarnation."""
        return cast("Mailbox", self.actor_inbox)

    def receive(self, message: M) -> None:
        """Handle one message; what it raises is the end of this incarnation."""
        raise NotImplementedError

    def now(self) -> Now:
        """Read the clocks of the world."""
        return self._world.now()

    def after(self, seconds: float, message: M) -> None:
        """Tell this incarnation `message` in `seconds`; a restart drops it."""
        self._world.after(seconds, lambda: self._remind(message))

    def remember(self, message: M) -> None:
        """Tell this incarnation `message` behind the mail that is there already; a restart drops it."""
        self._remind(message)

    def wake_at(self, mono: float) -> None:
        """Tell this incarnation `Tick()` at `mono` or soon after, unless an earlier tick is already under way."""
        self._wakeups.request(mono)

    def watch(self, bereaved: Callable[[BaseException], None], dropped: Callable[[object], None]) -> None:
        """Name who is told of the failure of this incarnation, and of each message it leaves behind."""
        self._bereaved, self._dropped = bereaved, dropped

    def live(self) -> None:
        """Run a whole life on the calling thread."""
        self._actor_loop_setup()
        self.turn()

    def turn(self) -> bool:
        """Handle mail until the mailbox ends the turn; false after death."""
        try:
            self._actor_loop_running()
        except queue.Empty:
            return True
        self.bury()
        return False

    def bury(self) -> None:
        """Give up the mail of an incarnation that has stopped or never lived."""
        self.actor_stopped.set()
        self.mailbox.close(self._dropped)
        self.ended.set()

    @final
    def _handle_receive(self, message: Any) -> None:  # noqa: ANN401 - as pykka declares it
        """Pass on to `receive`, with every failure made an ordinary one.

        In pykka's own a message might be a call of a proxy; here nobody has one, and asking each message costs.
        """
        if type(message) is _ActorStop:
            self._stop()
            return
        self.handling = message
        try:
            self.receive(message)
        except Exception:
            raise
        except BaseException as interruption:
            self.interrupted = interruption
            raise HandlerInterrupted(repr(interruption)) from interruption
        self.handled += 1

    @final
    def on_start(self) -> None:
        """Do nothing: what it raises would skip `on_failure`, so the work of a start is done on `Start`."""

    @final
    def on_failure(self, exception_type: object, exception_value: BaseException | None, traceback: object) -> None:
        """Close the mailbox, then tell the supervisor."""
        self.mailbox.close(self._dropped)
        self._bereaved(exception_value or RuntimeError(f"{exception_type} without a value, {traceback}"))

    def _remind(self, message: object) -> None:
        if not self.actor_stopped.is_set():
            self.mailbox.post(message)

    @staticmethod
    def _create_actor_inbox() -> Mailbox:
        return Mailbox()

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        self._world.launch(self)


def _unsupervised(_: object) -> None:
    """Nobody watches: pykka's log line has to do."""

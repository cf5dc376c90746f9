"""The stable address of one supervised actor: its incarnations come and go behind it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from actors.quarantine import Quarantine
from actors.supervision import ChildFigures, ChildState, Crashed, GaveUp, Quarantined, Restarted
from park.model.signals import Start, Tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.address import Address
    from actors.supervision import RestartPolicy, SupervisionReport
    from actors.worker import Worker
    from actors.world import World

M = TypeVar("M")


class Child(Generic[M]):
    """Told from any thread, in every state: what a dead, restarting or given-up actor is told is dropped and counted.

    Failures arrive on the actor's thread, restarts on the timer's, stops on the main one: one lock orders them, and
    nothing foreign is called while it is held.
    """

    def __init__(
        self,
        world: World,
        name: str,
        make: Callable[[Address[M]], Worker[M]],
        policy: RestartPolicy,
        report: Address[SupervisionReport],
        gave_up: Callable[[GaveUp], None],
    ) -> None:
        self.name = name
        self._world, self._make, self._policy, self._report, self._gave_up = world, make, policy, report, gave_up
        self._lock = threading.Lock()
        self._quarantine = Quarantine()
        self._worker: Worker[M] | None = None
        self._launched = False
        self._standing: ChildState = "starting"
        self._post: Callable[[M], None] = self._drop
        self._failures: tuple[float, ...] = ()
        self._handled = 0
        self.declared = True  # and not built yet
        self.dropped = 0
        self.restarts = 0

    def tell(self, message: M, /) -> None:
        """Hand the message to the present incarnation, if there is one; never raises."""
        if not self._quarantine.poison or not self._quarantine.refuses(message):
            self._post(message)

    @property
    def state(self) -> ChildState:
        """What is known of the actor; it runs once it has handled its `Start`."""
        worker = self._worker
        return "running" if self._standing == "starting" and worker is not None and worker.handled else self._standing

    def figures(self) -> ChildFigures:
        """Show the counts at this moment."""
        worker, handled, depth = self._worker, self._handled, 0
        if worker is not None:
            handled, depth = handled + worker.handled, worker.mailbox.depth()
        refused = self._quarantine.refused
        return ChildFigures(self.name, self.state, self.restarts, handled, self.dropped, refused, depth)

    def build(self) -> None:
        """Construct an incarnation: it can be told from here on, and runs when launched."""
        self.declared = False
        try:
            worker = self._make(self)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a constructor that exits must not take the caller with it
            self._failed(None, error)
            return
        worker.watch(lambda error: self._failed(worker, error), self._drop)
        with self._lock:
            wanted = self._standing in ("starting", "restarting")
            if wanted:
                self._worker, self._launched, self._post = worker, False, worker.mailbox.post
                self._standing = "starting"
        if not wanted:
            worker.bury()

    def launch(self) -> bool:
        """Let the constructed incarnation run; false if there is none, or it runs already."""
        with self._lock:
            worker, due = self._worker, self._standing == "starting" and not self._launched
            self._launched = True
        if worker is None or not due:
            return False
        self._world.launch(worker)
        return True

    def retire(self) -> Worker[M] | None:
        """Refuse new messages and end after those already told; returns the incarnation that is ending, at once."""
        with self._lock:
            worker, launched, ending = self._worker, self._launched, self._standing in ("stopped", "gave-up")
            self._standing, self._post = (self._standing if ending else "stopped"), self._drop
        if worker is not None and not ending:
            (worker.mailbox.post_stop if launched else worker.bury)()
        return worker

    def _restart(self) -> None:
        if self._standing == "restarting":
            self.restarts += 1
            self.build()
            if self.launch():
                self._report.tell(Restarted(self.name, self.restarts))

    def _failed(self, worker: Worker[M] | None, error: BaseException) -> None:
        cause = None if worker is None else worker.handling
        delay = self._part_from(worker)
        self._report.tell(crash := Crashed.of(self.name, error, cause, delay))
        if self._quarantine.crashed(cause):
            self._report.tell(Quarantined(self.name, crash.handling))
        if delay is not None:
            self._world.after(delay, self._restart)
        elif self._standing == "gave-up":
            self._gave_up(GaveUp(self.name, crash.error))

    def _part_from(self, worker: Worker[M] | None) -> float | None:
        """Forget a failed incarnation; the seconds until the next one, None if there is none."""
        now = self._world.now().mono
        with self._lock:
            self._worker, self._post = None, self._drop
            self._handled += 0 if worker is None else worker.handled
            if self._standing == "stopped":
                return None
            self._failures = (*(at for at in self._failures if now - at < self._policy.within), now)
            delay = self._policy.delay(len(self._failures))
            self._standing = "gave-up" if delay is None else "restarting"
            return delay

    def _drop(self, message: object) -> None:
        if not isinstance(message, (Start, Tick)):
            with self._lock:
                self.dropped += 1

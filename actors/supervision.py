"""The words of supervision: how often a failed actor comes back, and what is reported about it."""

from __future__ import annotations

from traceback import format_exception
from typing import Literal, TypeAlias

from msgspec import Struct

ChildState: TypeAlias = Literal["starting", "running", "restarting", "gave-up", "stopped"]


class HandlerInterrupted(Exception):
    """A handler raised SystemExit or the like (its cause); pykka would have stopped every actor of the process."""


class RestartPolicy(Struct, frozen=True):
    """At most `limit` restarts `within` seconds; the n-th of them after `backoff[n - 1]` seconds, then the last one.

    The first restart comes within 100 ms, so that a charge point is not without its controller for longer than a
    vehicle notices; five within a minute outlast a passing cause of a few seconds and no more.
    """

    limit: int = 5
    within: float = 60.0
    backoff: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0, 2.0)

    def delay(self, failures: int) -> float | None:
        """Seconds to wait after the `failures`-th failure within the period; None: give up."""
        if failures > self.limit:
            return None
        return self.backoff[min(failures, len(self.backoff)) - 1]


class Crashed(Struct, frozen=True):
    """An incarnation failed. `again_in` seconds it is restarted; None: it is not. `handling`: the message's class."""

    name: str
    error: str
    trace: str
    handling: str
    again_in: float | None

    @classmethod
    def of(cls, name: str, error: BaseException, handling: object, again_in: float | None) -> Crashed:
        """Put a failure into words: the cause of an interruption; `handling` None stands for the constructor."""
        told = error.__cause__ if isinstance(error, HandlerInterrupted) and error.__cause__ is not None else error
        message = "its constructor" if handling is None else type(handling).__name__
        return cls(name, f"{type(told).__name__}: {told}", "".join(format_exception(told)), message, again_in)


class Restarted(Struct, frozen=True):
    """A new incarnation began; `restarts` of this actor so far."""

    name: str
    restarts: int


class Quarantined(Struct, frozen=True):
    """The same input crashed an actor twice: messages equal to it are refused from now on."""

    name: str
    handling: str


class GaveUp(Struct, frozen=True):
    """An actor, or the sub-supervisor `name`, is not restarted any more; everything else runs on."""

    name: str
    error: str


SupervisionReport: TypeAlias = Crashed | Restarted | Quarantined | GaveUp


class ChildFigures(Struct, frozen=True):
    """What metrics and status show of one supervised actor; counts since the node began."""

    name: str
    state: ChildState
    restarts: int
    handled: int
    dropped: int
    quarantined: int
    depth: int

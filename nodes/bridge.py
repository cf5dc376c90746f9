"""The only crossing between the event loop and the actors: outboxes, questions, and edges that are kept running."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import traceback
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from msgspec import Struct

from actors.address import Nowhere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable
    from typing import Self

    from actors.address import Address

A = TypeVar("A")
M = TypeVar("M")


class OutboxClosed(Exception):
    """The outbox was closed and is empty."""


class Outbox(Generic[M]):
    """Told from any thread, emptied by one coroutine of the loop it was made on.

    With `key` it conflates: of messages with an equal key the latest waits, in the place of the first. Messages whose
    key is None are all kept. What arrives after `close` is dropped and counted.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, key: Callable[[M], Hashable | None] | None = None
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._key = key
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, M] = {}
        self._unkeyed = itertools.count()
        self._arrived = asyncio.Event()
        self._alarmed = False
        self._closed = False
        self._woken: Callable[[], None] = self._arrived.set
        self.dropped = 0

    def tell(self, message: M, /) -> None:
        """Add a message; never raises, never waits."""
        key = None if self._key is None else self._key(message)
        with self._lock:
            if self._closed:
                self.dropped += 1
                return
            self._waiting[(_Unkeyed, next(self._unkeyed)) if key is None else key] = message
        self._alarm()

    def depth(self) -> int:
        """Count the waiting messages."""
        return len(self._waiting)

    def close(self) -> None:
        """Take no more; the reader gets what waits, then OutboxClosed. Callable from any thread."""
        with self._lock:
            self._closed = True
        self._alarm()

    async def get(self) -> M:
        """Wait for the oldest message; raises OutboxClosed after the last one."""
        while (letter := self._next()) is None:
            await self._arrived.wait()
        return letter[0]

    async def serve(self, handle: Callable[[M], object]) -> None:
        """Call `handle` on the loop with each message, in order, until the outbox is closed; what it raises is raised.

        For what somebody waits for: a task that iterates gets a message a turn of the loop later.
        """
        over: asyncio.Future[None] = self._loop.create_future()

        def drain() -> None:
            try:
                while (letter := self._next()) is not None:
                    handle(letter[0])
            except OutboxClosed:
                _resolve(over, None)
            except Exception as error:  # noqa: BLE001 - for whoever awaits this
                _resolve(over, error)

        self._woken = drain
        try:
            drain()
            await over
        finally:
            self._woken = self._arrived.set

    def _next(self) -> tuple[M] | None:
        """The oldest message; None: whoever adds the next wakes the reader. Raises OutboxClosed after the last one."""
        with self._lock:
            if self._waiting:
                return (self._waiting.pop(next(iter(self._waiting))),)
            if self._closed:
                raise OutboxClosed
            self._alarmed = False
            self._arrived.clear()
            return None

    def __aiter__(self) -> Self:
        """Iterate until the outbox is closed."""
        return self

    async def __anext__(self) -> M:
        """Wait for the oldest message."""
        try:
            return await self.get()
        except OutboxClosed:
            raise StopAsyncIteration from None

    def _alarm(self) -> None:
        """Wake the reader, once for all that arrived since it last looked."""
        with self._lock:
            if self._alarmed:
                return
            self._alarmed = True
        on_loop(self._loop, self._wake)

    def _wake(self) -> None:
        self._woken()  # who reads by then, not by when this was asked for


def _resolve(over: asyncio.Future[None], error: Exception | None) -> None:
    if over.done():
        return
    if error is None:
        over.set_result(None)
    else:
        over.set_exception(error)


class _Unkeyed:
    """Keeps the places of messages without a key apart from everybody's keys."""


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Run `call` on the loop soon; nothing happens on a loop that is closed: its edges are gone."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        if not loop.is_closed():
            raise


class _ReplySlot(Generic[A]):
    """An address for one answer; later ones are gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.answer: asyncio.Future[A] = loop.create_future()

    def tell(self, message: A, /) -> None:
        on_loop(self._loop, lambda: None if self.answer.done() else self.answer.set_result(message))


async def ask(address: Address[M], make_question: Callable[[Address[A]], M], timeout: float) -> A:
    """Tell `make_question(reply_to)` and wait for the first answer; raises TimeoutError after `timeout` seconds."""
    slot: _ReplySlot[A] = _ReplySlot(asyncio.get_running_loop())
    question = make_question(slot)
    address.tell(question)
    try:
        async with asyncio.timeout(timeout):
            return await slot.answer
    except TimeoutError:
        message = f"no answer to {type(question).__name__} within {timeout} s"
        raise TimeoutError(message) from None


class Backoff(Struct, frozen=True):
    """Seconds to wait after the n-th failure in a row: doubling from `first` to `most`, the upper half of it drawn.

    `settled`: an edge that ran this long before it failed begins at `first` again. `defects`: how many failures that
    are not an OSError (a fault of ours, not of the wire) are borne `within` seconds before the edge is given up.
    """

    first: float = 0.5
    most: float = 30.0
    settled: float = 60.0
    defects: int = 5
    within: float = 60.0

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait; `draw` in [0, 1) spreads boards that lost the same backend at the same moment."""
        full = min(self.first * 2.0 ** min(failures - 1, 32), self.most)
        return full * (1.0 + draw) / 2.0


class EdgeFailed(Struct, frozen=True):
    """An edge failed and runs again `again_in` seconds; `trace` is empty for an OSError, which is the wire's doing."""

    name: str
    error: str
    trace: str
    again_in: float


class EdgeGaveUp(Struct, frozen=True):
    """An edge failed by a defect too often: it is closed, and marked failed until the node restarts."""

    name: str
    error: str
    trace: str


EdgeReport: TypeAlias = EdgeFailed | EdgeGaveUp


def _is_cancelled() -> bool:
    """Whether somebody wants this task to end; a CancelledError may also be a library's, of a call that ended."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def keep_running(
    name: str,
    edge: Callable[[], Coroutine[object, object, None]],
    *,
    backoff: Backoff = Backoff(),
    report: Address[EdgeReport] = Nowhere(),
    draw: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] | None = None,
    close: Callable[[], None] = lambda: None,
) -> None:
    """Run `edge()` until it returns, again after each failure, an unreachable peer without end.

    Ends after calling `close` (the edge's outbox, say) when the edge is given up; the node runs on. Cancelling ends it.
    """
    clock = clock or asyncio.get_running_loop().time
    failures = 0
    defects: list[float] = []
    while True:
        began = clock()
        try:
            return await edge()
        except (Exception, asyncio.CancelledError) as error:  # whatever it was, one edge must not end the node
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            failed = clock()
            text, trace = f"{type(error).__name__}: {error}", ""
            failures = 1 if failed - began >= backoff.settled else failures + 1
            if not isinstance(error, OSError):
                trace = "".join(traceback.format_exception(error))
                defects = [at for at in defects if failed - at < backoff.within] + [failed]
                if len(defects) > backoff.defects:
                    close()
                    report.tell(EdgeGaveUp(name, text, trace))
                    return None
        again_in = backoff.delay(failures, draw())
        report.tell(EdgeFailed(name, text, trace, again_in))
        await sleep(again_in)

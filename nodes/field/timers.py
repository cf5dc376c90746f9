"""All timers of a node on one thread: hundreds of actors ask for ticks, none costs a thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Timers:
    """A heap of (due, order of asking, what to call); the thread begins with the first timer."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        """Call `deliver` on the timer thread in `seconds`; after `close` nothing is called any more."""
        due = time.monotonic() + seconds
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._heap, (due, next(self._order), deliver))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
                self._thread.start()
            elif self._heap[0][0] == due:
                self._changed.notify()

    def close(self) -> None:
        """Drop all timers and end the thread."""
        with self._changed:
            self._closed = True
            self._heap.clear()
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (deliver := self._next()) is not None:
            try:
                deliver()
            except Exception:  # noqa: BLE001 - one timer must not end the others
                _log.exception("a timer failed; the others run on")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait)
            return None

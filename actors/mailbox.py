"""The inbox of one incarnation: first in, first out, built before its world is known, closed with its owner."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from pykka._envelope import Envelope
from pykka.messages import _ActorStop  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from collections.abc import Callable


class AskRefused(TypeError):
    """Somebody asked an actor; questions carry `reply_to: Address[Answer]` instead."""


class Mailbox:
    """Told from any thread, read by its owner only.

    pykka builds it in a static hook, so it knows no world. A world that takes turns calls `bind` and opens a turn with
    a budget; once that is spent, or the mail is, `get` raises `queue.Empty`, which leaves pykka's loop outside its
    `try`. `idle` is true while nobody is going to look: the next `post` then calls `arrived`.
    """

    __slots__ = ("_arrived", "_blocking", "_left", "_letter", "_mail", "depth", "idle")

    def __init__(self) -> None:
        self._mail: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.depth: Callable[[], int] = self._mail.qsize
        self._letter = Envelope[Any](None)  # one is enough: pykka's loop reads it before it fetches the next
        self._blocking = True
        self._left = -1  # counts down; a negative budget never ends
        self._arrived: Callable[[], None] = _unheard
        self.idle = False

    def bind(self, arrived: Callable[[], None]) -> None:
        """Take turns from now on: `arrived` is called for a message posted while `idle`."""
        self._blocking = False
        self._arrived = arrived

    def open_turn(self, budget: int) -> None:
        """Let the owner take at most `budget` messages."""
        self._left = budget

    def post(self, message: object) -> None:
        """Add a message."""
        self._mail.put(message)
        if self.idle:
            self._arrived()

    def post_stop(self) -> None:
        """Let the owner end after what it was told before."""
        self.post(_ActorStop())

    def put(self, envelope: Envelope[Any], /) -> None:
        """Add the message of a pykka envelope; an `ask` is answered with AskRefused."""
        if envelope.reply_to is None:
            self.post(envelope.message)
        else:
            refusal = AskRefused(f"tell {type(envelope.message).__name__} with a reply_to address instead of asking")
            envelope.reply_to.set_exception((AskRefused, refusal, None))

    def get(self) -> Envelope[Any]:
        """Take the oldest message; raises `queue.Empty` at the end of a turn."""
        if self._left == 0:
            raise queue.Empty
        self._left -= 1
        self._letter.message = self._mail.get(self._blocking)
        return self._letter

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._mail.empty()

    def close(self, dropped: Callable[[object], None]) -> None:
        """Give everything left, and everything posted from now on, to `dropped`.

        The order matters: who posts after `idle` is set clears up itself, who posted before is cleared up here.
        """

        def clear() -> None:
            try:
                while True:
                    message = self._mail.get_nowait()
                    if not isinstance(message, _ActorStop):
                        dropped(message)
            except queue.Empty:
                return

        self._left = 0
        self._arrived = clear
        self.idle = True
        clear()


def _unheard() -> None:
    """Nobody takes turns here: a thread of its own waits inside `get`."""

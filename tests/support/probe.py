"""The one test double: an address that remembers what it was told, and can wait for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

M = TypeVar("M")

PATIENCE = 10.0  # seconds until a test that waits in vain fails; never the time a passing test takes


class Probe(Generic[M]):
    """Told from any thread. In a simulation run the world, then look at `messages`; in the field `expect`."""

    def __init__(self) -> None:
        self._messages: list[M] = []
        self._told = threading.Condition()

    def tell(self, message: M, /) -> None:
        """Remember the message."""
        with self._told:
            self._messages.append(message)
            self._told.notify_all()

    @property
    def messages(self) -> list[M]:
        """A copy of all it was told, oldest first."""
        with self._told:
            return list(self._messages)

    def of(self, kind: type | tuple[type, ...]) -> list[M]:
        """Select the messages of a class."""
        return [message for message in self.messages if isinstance(message, kind)]

    def clear(self) -> list[M]:
        """Forget, and return what was forgotten."""
        with self._told:
            messages, self._messages = self._messages, []
            return messages

    def expect(self, wanted: M | Callable[[M], bool], count: int = 1) -> M:
        """Wait until `count` messages equal `wanted`, or satisfy it; the last of them is returned."""

        def suits(message: M) -> bool:
            return bool(wanted(message)) if callable(wanted) else message == wanted

        with self._told:
            if not self._told.wait_for(lambda: sum(map(suits, self._messages)) >= count, PATIENCE):
                raise AssertionError(f"waited for {count} × {wanted}; was told {self._messages}")
            return [message for message in self._messages if suits(message)][count - 1]

    def wait_for(self, count: int) -> list[M]:
        """Wait until it was told `count` messages; all of them are returned."""
        with self._told:
            if not self._told.wait_for(lambda: len(self._messages) >= count, PATIENCE):
                raise AssertionError(f"waited for {count} messages; was told {self._messages}")
            return list(self._messages)

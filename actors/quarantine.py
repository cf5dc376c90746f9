"""Input that crashed an actor twice is not let in a third time."""

from __future__ import annotations

from collections import deque

from park.model.signals import Start, Tick

REMEMBERED = 32  # crashes, and poisonous messages, kept per actor: bounded, since both grow with what others send


class Quarantine:
    """Compares by equality. `Start` and `Tick` are never refused: an actor deaf to time would keep a lapsed lease."""

    __slots__ = ("_crashed", "poison", "refused")

    def __init__(self) -> None:
        self._crashed: deque[object] = deque(maxlen=REMEMBERED)
        self.poison: deque[object] = deque(maxlen=REMEMBERED)
        self.refused = 0

    def crashed(self, message: object) -> bool:
        """Note that handling `message` (None: no message) failed; true when this was the second time."""
        if message is None or isinstance(message, (Start, Tick)):
            return False
        if not _among(message, self._crashed):
            self._crashed.append(message)
            return False
        self.poison.append(message)
        return True

    def refuses(self, message: object) -> bool:
        """Tell whether `message` equals a poisonous one, and count it if so."""
        if not _among(message, self.poison):
            return False
        self.refused += 1
        return True


def _among(message: object, messages: deque[object]) -> bool:
    try:
        return any(type(message) is type(other) and message == other for other in tuple(messages))
    except Exception:  # noqa: BLE001 - an odd __eq__ of somebody's message must not take the sender down
        return False

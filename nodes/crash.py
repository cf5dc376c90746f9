"""Named points at which a test lets the process die as kill -9 would: `CHARGEPARK_CRASH=NAME[:KIND][:N]`.

The N-th passing of the point dies, of all passings or of those of one KIND of message: `before-send:StopTransaction:2`.
`CHARGEPARK_CRASH=@FILE`: the same words stand in a file, which may come, change and go while the process runs; whoever
dies of it takes it away, so that the next life is spared. Costs one comparison when the variable is not set.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHARGEPARK_CRASH"
POINTS: Final = (
    "before-persist",
    "after-persist",
    "before-send",
    "after-send",
    "before-answer",
    "after-answer",
    "before-delete",
    "after-delete",
)
"""Of a node with a backend: the store's commit, a CALL on the wire, its CALLRESULT, the row of the answered CALL."""
BOARD_POINTS: Final = (
    "before-persist",
    "after-persist",
    "before-offer",
    "after-offer",
    "before-taken",
    "after-taken",
    "before-delivered",
    "after-delivered",
)
"""Of a client board: the journal's commit, a fact on the link, its receipt, the row marked as delivered."""
UNBOUND: Final = ""
Kinds = Collection[str]


class _Plan:
    """Where to die, and how many passings are left. `file`: where that is said, None: it is said once and for all."""

    def __init__(self, wish: str) -> None:
        self.file = Path(wish[1:]) if wish.startswith("@") else None
        self.exists = bool(wish)
        self._wish = self.name = self.kind = ""
        self.left = 0
        if self.file is None:
            self._take(wish)

    def passed(self, name: str, kinds: Kinds) -> bool:
        if self.file is not None:
            self._read(self.file)
        if name != self.name or self.kind not in kinds:
            return False
        self.left -= 1
        return self.left == 0

    def _read(self, file: Path) -> None:
        wish = ""
        with contextlib.suppress(FileNotFoundError):
            wish = file.read_text(encoding="utf-8").strip()
        if wish != self._wish:
            self._take(wish)

    def _take(self, wish: str) -> None:
        """Begin to count anew."""
        self._wish = wish
        self.name, *rest = wish.split(":")
        numbers = [int(word) for word in rest if word.isdigit()]
        self.kind = next((word for word in rest if not word.isdigit()), UNBOUND)
        self.left = numbers[0] if numbers else 1


_plan = _Plan(os.environ.get(VARIABLE, ""))


def planned() -> bool:
    """Whether this process is to die at some point: only then it is worth knowing what passes."""
    return _plan.exists


def crash_point(name: str, kinds: Kinds = (UNBOUND,)) -> None:
    """Dies here, without a goodbye, when the environment asked for it. `kinds`: what passes, `UNBOUND` among them."""
    if _plan.exists and _plan.passed(name, kinds):
        if _plan.file is not None:
            _plan.file.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)

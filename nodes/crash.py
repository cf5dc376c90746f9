"""Named points at which a test lets the process die as kill -9 would: `CHARGEPARK_CRASH=NAME[:N]`, the N-th passing.

Costs one comparison when the variable is not set. The points: before/after persist (the store's commit), send (a CALL
on the wire), answer (a CALLRESULT handled) and delete (the row of an answered CALL removed).
"""

from __future__ import annotations

import os
import signal

VARIABLE = "CHARGEPARK_CRASH"
POINTS = (
    "before-persist",
    "after-persist",
    "before-send",
    "after-send",
    "before-answer",
    "after-answer",
    "before-delete",
    "after-delete",
)


class _Plan:
    """Where to die, and how many passings are left."""

    def __init__(self, wish: str) -> None:
        name, _, count = wish.partition(":")
        self.name = name
        self.left = int(count or "1")

    def passed(self, name: str) -> bool:
        if name != self.name:
            return False
        self.left -= 1
        return self.left == 0


_plan = _Plan(os.environ.get(VARIABLE, ""))


def crash_point(name: str) -> None:
    """Dies here, without a goodbye, when the environment asked for it."""
    if _plan.name and _plan.passed(name):
        os.kill(os.getpid(), signal.SIGKILL)

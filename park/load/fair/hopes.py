"""Whom only the balance of phases is against: asked again as others come, till nobody comes any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

Hope: TypeAlias = tuple[int, Iterable[tuple[int, int]], tuple[int, ...], int]
"""Number of the load, its pulls by line, the differences it makes larger, mA it needs."""


def hopeful(
    hopes: Sequence[Hope], room: Sequence[int], free: Sequence[int], ask: Callable[[int], object]
) -> Sequence[Hope]:
    """Those who are left.

    `room`: mA on the lines, `free`: on the differences; both change as somebody is asked. `ask`: by the number, who
    fits comes, and who finds too little on a line is told so for good.
    """
    more = True
    while more:
        left = [hope for hope in hopes if not _asked(hope, room, free, ask)]
        more, hopes = len(left) < len(hopes), left
    return hopes


def _asked(hope: Hope, room: Sequence[int], free: Sequence[int], ask: Callable[[int], object]) -> bool:
    """A look tells whether only the balance is against it, and saves the question: nearly always it is."""
    number, taken, tips, needed = hope
    for line, pull in taken:
        if room[line] < pull * needed:
            break
    else:
        for difference in tips:
            if free[difference] < needed:
                return False
    ask(number)
    return True

"""The coordinator's part in charging by the sun: readings in, and a limit beside all others out.

It counts what charge points take. Of all limits the smallest holds, so it never raises anything.
"""

from __future__ import annotations

from park.load.state import CoordinatorState
from park.model.metering import ReadingTaken


def read(state: CoordinatorState, reading: ReadingTaken, now: float) -> bool:
    """A meter was read. True: a limit changed."""
    found = [sun for sun in state.suns if sun.solar.meter == reading.meter]
    for sun in found:
        sun.read(reading, now)
    return bool(found) and look(state, now)


def look(state: CoordinatorState, now: float) -> bool:
    """Limits by the sun as they are now, for those who charge now. True: one changed."""
    changed = False
    for sun in state.suns:
        if state.limits.work_out(sun.solar.circuit, sun.limit(now)):
            state.impose(sun.solar.circuit)
            changed = True
    return changed


def next_look(state: CoordinatorState, now: float) -> list[float]:
    """Mono at which `look` has something to do without a reading."""
    return [sun.ceiling.ends_at for sun in state.suns if sun.ceiling.ends_at is not None and sun.ceiling.ends_at > now]

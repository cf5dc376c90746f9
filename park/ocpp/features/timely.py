"""ChangeConfiguration is answered within a second: what the disk has not taken by then is refused (B-223).

What the disk takes later all the same is put back, so that a refused change never holds.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from park.model.alarm import Alarm
from park.model.storage import Delete, Put
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features.feature import Feature, Turn
from park.ocpp.features.replies import deferred
from park.ocpp.state import CentralSystem, Deferred

CHANGE_SECONDS = 1.0  # B-223: chargebyte's fixed timings


class TimelyCommit(Struct, frozen=True):
    """A change by the backend until it is on disk. `refused`: the answer when that takes too long, after `due` (mono).

    `name`: what is changed. `before`: its row as it was. `late`: it was refused.
    """

    change: Deferred
    refused: tuple[CentralSystemEffect, ...]
    name: str
    before: Put | Delete
    due: float
    late: bool = False

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:
        if not self.late:
            return self.change.stored(state, now, on_disk=on_disk)
        if not on_disk or _is_changed_again(state, self.name):
            return state, ()
        return deferred(state, (self.before,), _PutBack(self.name))


class _PutBack(Struct, frozen=True):
    name: str

    def stored(self, state: CentralSystem, now: Now, *, on_disk: bool) -> Turn:  # noqa: ARG002 - the protocol's
        if on_disk:
            return state, ()
        text = f"{self.name} was refused to the backend, and will hold all the same after a restart: set it again"
        return state, (Alarm("ocpp-setting-not-restored", text),)


def timely(
    change: Deferred, refused: tuple[CentralSystemEffect, ...], name: str, before: Put | Delete, now: Now
) -> TimelyCommit:
    """The change with its time limit, which begins now."""
    return TimelyCommit(change, refused, name, before, now.mono + CHANGE_SECONDS)


def _is_changed_again(state: CentralSystem, name: str) -> bool:
    return any(isinstance(each, TimelyCommit) and each.name == name for each in state.commits.values())


def _settle(state: CentralSystem, now: Now) -> Turn:
    late = {token: each for token, each in _waiting(state).items() if each.due <= now.mono}
    if not late:
        return state, ()
    commits = {**state.commits, **{token: replace(each, late=True) for token, each in late.items()}}
    return replace(state, commits=commits), tuple(effect for each in late.values() for effect in each.refused)


def _waiting(state: CentralSystem) -> dict[int, TimelyCommit]:
    commits = state.commits.items()
    return {token: each for token, each in commits if isinstance(each, TimelyCommit) and not each.late}


def _deadline(state: CentralSystem) -> float | None:
    return min((each.due for each in _waiting(state).values()), default=None)


FEATURE = Feature({}, settle=_settle, deadline=_deadline)

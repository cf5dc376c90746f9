"""Shares as GreenFlux's local load balancing has them: one common current in steps of 0.1 A, then turns.

Its manual (6.2) balances a station of two sockets below one limit. Here every circuit is such a station: where it
would carry too much, all below it stay at the current they have in common, on whatever phases they are (B-155, B-156);
whoever is elsewhere goes on. Nobody has less than its minimum (B-157). When the minima of all do not fit, as many as
fit charge in their turn, with the largest current they can have in common (B-158).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from park.load.admission import Admission, Fleet, Request, Share
from park.load.circuit import LIMITS, Lines
from park.load.fair.adrift import lay
from park.load.fair.balance import DIFFERENCES, Balance, Scales
from park.load.fair.columns import pulls
from park.load.fair.rounding import level_again

STEP_MA = 100  # GreenFlux 6.2, rule 2: "by the same reduction factor (0.1 Ampere usually)"

Asked: TypeAlias = tuple[list[Request], list[int], tuple[Balance, ...]]


class CommonCurrent:
    """Shares out again only when something changed. Mutable."""

    __slots__ = ("_asked", "_found")

    def __init__(self) -> None:
        self._asked: Asked | None = None
        self._found: dict[str, Share] = {}

    @property
    def asked(self) -> Asked | None:
        """What was shared out last: requests, room and balances; the same object while they are the same."""
        return self._asked

    @property
    def shares(self) -> dict[str, Share]:
        """As found last; do not change it."""
        return self._found

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]:
        """The same as `common_current`; do not change it."""
        asked = (list(requests), list(room), tuple(balances))
        if asked != self._asked:
            self._asked, self._found = asked, common_current(requests, room, balances)
        return self._found

    def again(self, path: tuple[int, ...], requests: list[Request], room: Sequence[int]) -> None:
        """As of `parts.Parts`. Never for a few alone: the current is common to all."""


def common_current(
    requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
) -> dict[str, Share]:
    """The share of each request, by charge point name; the same whatever the order of the requests (S7).

    `room`: mA available on each line (may be negative). Classes and weights are not looked at: all are alike. Currents
    are rounded down to the resolution of the hardware; where that tilts the phases, those with most give up steps.
    """
    circuits = -(-len(room) // LIMITS)
    laid, wide, marked = lay([request._replace(priority=0, weight=1) for request in requests], room, balances)
    admission = Admission(Fleet(laid, len(wide)), wide, Scales(marked))
    admission.decide()
    shares = _Rise(admission, marked, circuits).run()
    if marked:
        _level(admission, shares)
    return shares | admission.refused


def _level(admission: Admission, shares: dict[str, Share]) -> None:
    served, scales = admission.admitted, admission.scales
    currents = [shares[request.charge_point].amps_ma for request in served]
    for request, current in zip(served, currents, strict=True):
        scales.put(request.lines, current - request.minimum_ma)
    level_again(served, currents, scales)
    for request, current in zip(served, currents, strict=True):
        shares[request.charge_point] = shares[request.charge_point]._replace(amps_ma=current)


class _Kind:
    """Vehicles on the same lines with the same range of current. Mutable.

    `takes`: by row, what one mA more for each of them takes of it. `path`: the circuits they hang on. `settled`: they
    rise no more and have `current` mA each. `stop`: the row that stopped them, None: their maximum.
    """

    __slots__ = ("current", "least", "members", "most", "path", "settled", "stop", "takes")

    def __init__(self, members: list[Request], takes: dict[int, int], path: tuple[int, ...]) -> None:
        self.members, self.takes, self.path = members, takes, path
        self.least, self.most = members[0].minimum_ma, members[0].maximum_ma
        self.current = self.least
        self.settled = False
        self.stop: int | None = None


class _Rise:
    """One run, from the minima of all who are admitted. A row is a line, or after these a difference of phases.

    `level`: mA that all have in common who are not stopped. `speed`: what one mA more for them takes of each row.
    """

    def __init__(self, admission: Admission, balances: Sequence[Balance], circuits: int) -> None:
        self._scales, self._lines = admission.scales, len(admission.room)
        self._room = [*admission.room, *admission.scales.room]
        self._circuit = [line // LIMITS for line in range(self._lines)]
        self._circuit += [balance.circuit for balance in balances for _ in range(DIFFERENCES)]
        self._kinds = self._sorted(admission.admitted, circuits)
        self._below: defaultdict[int, list[_Kind]] = defaultdict(list)
        self._depth: defaultdict[int, int] = defaultdict(int)
        for kind in self._kinds:
            for depth, circuit in enumerate(reversed(kind.path)):
                self._below[circuit].append(kind)
                self._depth[circuit] = max(self._depth[circuit], depth)
        self._joining = sorted(self._kinds, key=lambda kind: -kind.least)  # the next one is the last
        self._ending: list[_Kind] = sorted(self._kinds, key=lambda kind: -kind.most)
        self._rising: set[_Kind] = set()
        self._speed: defaultdict[int, int] = defaultdict(int)
        self._level = 0

    def run(self) -> dict[str, Share]:
        while (bound := self._bound()) is not None:
            reached = self._reach(bound)
            if reached > self._level or not self._rising:
                self._rise(reached)
            else:
                self._close(self._full(bound))
        return {
            request.charge_point: self._share(kind, request.resolution_ma)
            for kind in self._kinds
            for request in kind.members
        }

    def _sorted(self, admitted: Iterable[Request], circuits: int) -> list[_Kind]:
        alike: defaultdict[tuple[Lines, int, int], list[Request]] = defaultdict(list)
        for request in admitted:
            alike[request.lines, request.minimum_ma, request.maximum_ma].append(request)
        return [
            _Kind(members, self._takes(lines, len(members)), _path(lines, circuits))
            for (lines, _, _), members in alike.items()
        ]

    def _takes(self, lines: Lines, count: int) -> dict[int, int]:
        takes = {line: pull * count for line, pull in pulls(lines).items()}
        if self._scales.weigh:
            weighing = self._scales.of[lines]
            takes |= {self._lines + difference: count for difference in weighing.tips}
            takes |= {self._lines + difference: -count for difference in weighing.steadies}
        return takes

    # ------------------------------------------------------------ the level

    def _bound(self) -> int | None:
        """The level at which the next one joins or has its maximum; those who do so here are settled. None: the end."""
        while self._ending and (self._ending[-1].settled or self._ending[-1].most <= self._level):
            self._stop(self._ending.pop(), None)
        while self._joining and (self._joining[-1].settled or self._joining[-1].least <= self._level):
            self._join(self._joining.pop())
        bounds = [kind.least for kind in self._joining[-1:]] + [kind.most for kind in self._ending[-1:]]
        return min(bounds, default=None)

    def _reach(self, bound: int) -> int:
        """How far everybody can rise, in whole steps."""
        spare = [self._room[row] // speed for row, speed in self._speed.items() if speed > 0]
        reached = self._level + min(spare, default=bound)
        return bound if reached >= bound else reached - reached % STEP_MA

    def _rise(self, level: int) -> None:
        for row, speed in self._speed.items():
            self._room[row] -= speed * (level - self._level)
        self._level = level

    def _full(self, bound: int) -> int:
        """The row that has too little for the next step; of several one of the innermost circuit, to stop few."""
        step = min(bound, self._level - self._level % STEP_MA + STEP_MA) - self._level
        full = [row for row, speed in self._speed.items() if speed > 0 and self._room[row] < speed * step]
        return min(full, key=lambda row: (-self._depth[self._circuit[row]], row))

    # ------------------------------------------------------------ vehicles

    def _join(self, kind: _Kind) -> None:
        if not kind.settled:
            self._rising.add(kind)
            self._count(kind, 1)

    def _close(self, row: int) -> None:
        """All below the circuit of this row stay where they are."""
        for kind in self._below[self._circuit[row]]:
            self._stop(kind, row)

    def _stop(self, kind: _Kind, row: int | None) -> None:
        if kind.settled:
            return
        kind.settled, kind.stop = True, row
        kind.current = max(kind.least, min(self._level, kind.most))
        if kind in self._rising:
            self._rising.remove(kind)
            self._count(kind, -1)

    def _count(self, kind: _Kind, sign: int) -> None:
        for row, taken in kind.takes.items():
            self._speed[row] += sign * taken

    def _share(self, kind: _Kind, resolution_ma: int) -> Share:
        current, row = max(kind.least, kind.current - kind.current % resolution_ma), kind.stop
        if row is None or row < self._lines:
            return Share(current, row)
        return Share(current, self._scales.over(row - self._lines), balance=True)


def _path(lines: Lines, circuits: int) -> tuple[int, ...]:
    """From where a load hangs to the grid."""
    return tuple(dict.fromkeys([line // LIMITS for line in lines if line < circuits * LIMITS]))

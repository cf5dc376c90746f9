"""Who gets its minimum when not all can: as many as fit, in their turn, without tilting the phases (safety §2)."""

from __future__ import annotations

from collections.abc import Sequence

from park.load.admission import Request, Share
from park.load.circuit import Lines
from park.load.fair.columns import pulls
from tests.park.load.slow.balance import Scales, Tilt

COMPANIONS = 2  # so many others, one for each other phase, may have to come together with a load


def precedence(request: Request) -> tuple[int, int, bool, float, float, str]:
    """Order of admission: class, turn, those who charge (the longest charging last, B-410), the longest waiting."""
    since = request.charging_since
    return (
        -request.priority,
        request.turn,
        since is None,
        0.0 if since is None else -since,
        request.waiting_since,
        request.charge_point,
    )


class Admission:
    """`admitted`: those who get their minimum, `refused`: the shares (0 mA) of the others. Mutable.

    Takes the minima out of `room`, and puts them on the scales.
    """

    __slots__ = ("_hopeless", "admitted", "refused", "room", "scales")

    def __init__(self, room: list[int], scales: Scales) -> None:
        self.room = room
        self.scales = scales
        self.admitted: list[Request] = []
        self.refused: dict[str, Share] = {}
        self._hopeless: set[tuple[Lines, int]] = set()

    def decide(self, requests: Sequence[Request]) -> None:
        """Admit in order of precedence. One who does not fit does not keep the next from fitting."""
        able = [request for request in requests if request.maximum_ma >= request.minimum_ma]
        for request in requests:
            if request.maximum_ma < request.minimum_ma:
                self.refused[request.charge_point] = Share(0, None)
        certain, others = self._certain(able)
        if others and self.scales.all_tilted():
            self._revoke(certain)
            waiting = sorted(able, key=precedence)
        else:
            waiting = sorted([*others, *self._too_many(certain)], key=precedence)
        while waiting:
            tilting = [request for request in waiting if not self._one(request)]
            if len(tilting) == len(waiting):
                break
            waiting = tilting
        while self._some_together(waiting):
            waiting = [request for request in waiting if request.charge_point in self.refused]
            waiting = [request for request in waiting if not self._one(request)]

    def _some_together(self, waiting: Sequence[Request]) -> bool:
        found = False
        for request in waiting:
            found = self._with_companions(request, waiting) or found
        return found

    def _certain(self, requests: Sequence[Request]) -> tuple[list[Request], list[Request]]:
        """Admit those who only load lines with room for everybody's minimum; returns them and the others.

        Nearly always these are all, and nobody's turn matters.
        """
        minima: dict[Lines, int] = {}
        for request in requests:
            minima[request.lines] = minima.get(request.lines, 0) + request.minimum_ma
        left = list(self.room)
        for lines, current in minima.items():
            for line, pull in pulls(lines).items():
                left[line] -= pull * current
        short = {line for line, free in enumerate(left) if free < 0}
        tight = {lines for lines in minima if not short.isdisjoint(lines)} if short else set[Lines]()
        others = [request for request in requests if request.lines in tight or request.needed_ma > request.minimum_ma]
        certain = requests
        if others:
            out = {request.charge_point for request in others}
            certain = [request for request in requests if request.charge_point not in out]
            for request in others:
                minima[request.lines] -= request.minimum_ma
        for lines, current in minima.items():
            self._load(lines, current)
        self.admitted = list(certain)
        return self.admitted, others

    def _revoke(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self._load(request.lines, -request.minimum_ma)
        self.admitted = []

    def _load(self, lines: Lines, current_ma: int) -> None:
        for line, pull in pulls(lines).items():
            self.room[line] -= pull * current_ma
        if self.scales.weigh:
            self.scales.put(lines, current_ma)

    def _too_many(self, requests: Sequence[Request]) -> list[Request]:
        """Of those who all fit, but tilt the phases: those who must wait, the last in their turn, in their turn."""
        scales = self.scales
        turns: dict[Tilt, list[Request]] = {}
        out: dict[str, Request] = {}
        stays: set[Tilt] = set()  # nobody of them makes it
        while tilts := [tilt for tilt in scales.all_tilted() if tilt not in stays]:
            tilt = tilts[0]
            if tilt not in turns:
                turns[tilt] = sorted(
                    (request for request in requests if tilt in scales.tips(request.lines)), key=precedence
                )
            while turns[tilt] and turns[tilt][-1].charge_point in out:
                turns[tilt].pop()
            if not turns[tilt]:
                stays.add(tilt)
                continue
            request = turns[tilt].pop()
            out[request.charge_point] = request
            self._take(request, sign=-1)
        if out:
            self.admitted = [request for request in self.admitted if request.charge_point not in out]
        return sorted(out.values(), key=precedence)

    def _one(self, request: Request) -> bool:
        """False: only the balance of phases is against it now."""
        needed = request.needed_ma
        tight = self._tight(request, needed)
        if tight is not None:
            self.refused[request.charge_point] = Share(0, tight)
            return True
        tilts = self.scales.refuses(request.lines, needed)
        if tilts is not None:
            self.refused[request.charge_point] = Share(0, tilts, balance=True)
            return False
        self._take(request)
        return True

    def _tight(self, request: Request, needed: int) -> int | None:
        room = self.room
        tight = [line for line, pull in pulls(request.lines).items() if room[line] < pull * needed]
        return min(tight, key=lambda line: (room[line], line)) if tight else None

    def _unfit(self, request: Request) -> bool:
        return self._tight(request, request.needed_ma) is not None

    def _take(self, request: Request, *, sign: int = 1) -> None:
        self._load(request.lines, sign * request.minimum_ma)
        if sign > 0:
            self.admitted.append(request)
            self.refused.pop(request.charge_point, None)

    def _with_companions(self, request: Request, waiting: Sequence[Request]) -> bool:
        """Loads that tilt the phases alone may fit together."""
        kind = (request.lines, request.needed_ma)
        if request.charge_point not in self.refused or kind in self._hopeless or self._unfit(request):
            return False
        before = len(self.admitted)
        refused = dict(self.refused)
        self._take(request)
        for _ in range(COMPANIONS):
            tilts = self._tilts(before)
            companion = next((other for other in waiting if tilts and self._steadies(other, tilts)), None)
            if companion is None:
                break
            self._take(companion)
        if not self._tilts(before):
            self._hopeless.clear()
            return True
        for member in self.admitted[before:]:
            self._take(member, sign=-1)
        del self.admitted[before:]
        self.refused = refused
        self._hopeless.add(kind)
        return False

    def _tilts(self, first: int) -> list[Tilt]:
        """What the admitted from number `first` on tilt."""
        tilted = self.scales.tilted
        return [
            tilt
            for member in self.admitted[first:]
            for tilt in tilted(member.lines, member.needed_ma - member.minimum_ma)
        ]

    def _steadies(self, other: Request, tilts: list[Tilt]) -> bool:
        if not any(self.scales.steadies(other.lines, tilt) for tilt in tilts):
            return False
        return other.charge_point in self.refused and not self._unfit(other)

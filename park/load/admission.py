"""Who gets its minimum when not all can: as many as fit, in their turn, without tilting the phases (safety §2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from park.load.circuit import Lines
from park.load.fair.balance import Scales, Weighings
from park.load.fair.columns import Column, Weighing, pulls
from park.load.fair.crowd import Crowd

COMPANIONS = 2  # so many others, one for each other phase, may have to come together with a load


class Request(NamedTuple):
    """A vehicle that wants current.

    `lines`: the conductors it loads, and the powers. `charging_since`: mono since it has had current, None: it waits.
    `turn`: a smaller one comes first within its class (see `rotation`).
    `adrift`: on fewer phases than its lines say, nobody knows on which.
    `margin_ma`: what must be free beyond the minimum before it is admitted (it was shed before: no toggling).
    """

    charge_point: str
    lines: Lines
    minimum_ma: int
    maximum_ma: int
    charging_since: float | None = None
    waiting_since: float = 0.0
    margin_ma: int = 0
    priority: int = 0
    weight: int = 1
    resolution_ma: int = 100
    turn: int = 0
    adrift: bool = False

    @property
    def needed_ma(self) -> int:
        return self.minimum_ma + self.margin_ma if self.margin_ma and self.charging_since is None else self.minimum_ma


class Share(NamedTuple):
    """`amps_ma`: 0 or at least the minimum. `line`: what allowed no more, None: the vehicle's maximum.

    `balance`: not the line itself, which may have room, but how much more it would carry than another phase.
    """

    amps_ma: int
    line: int | None
    balance: bool = False


Steadying: TypeAlias = Mapping[int, Sequence[tuple[int, Request]]]
"""By difference: who makes it smaller, with its place in the turn."""

Precedence: TypeAlias = tuple[int, int, bool, float, float, str]
"""The smaller one comes first."""

Turn: TypeAlias = tuple[Precedence, int]
"""With the number of the request."""

NOTHING_WANTED = Share(0, None)

_alike = itemgetter(1, 2, 8, 7)
_ceiling = itemgetter(3)
_margin = itemgetter(6)
_range = itemgetter(2, 3, 9)


def precedence(request: Request) -> Precedence:
    """Order of admission: class, turn, those who charge (the longest charging last, B-410), the longest waiting."""
    name, _, _, _, since, waiting, _, priority, _, _, turn, _ = request
    return (-priority, turn, since is None, 0.0 if since is None else -since, waiting, name)


class Fleet:
    """Vehicles that are planned for, again and again while they are the same.

    `requests`: who could have its minimum, the lowest maximum first; `unable`: the shares of the others. `wary`: the
    numbers of those who need more than their minimum to be admitted. `most`, `all_most`: the share of each at its
    maximum, by number and by name. `beyond`: what all would do to the differences with all that is beyond their minima.
    """

    __slots__ = ("_of", "_turns", "all_most", "beyond", "crowd", "most", "requests", "unable", "wary")

    def __init__(self, requests: Sequence[Request], lines: int) -> None:
        """`lines`: how many there are."""
        self.requests = sorted([request for request in requests if request[3] >= request[2]], key=_ceiling)
        self.unable = {request.charge_point: NOTHING_WANTED for request in requests if request[3] < request[2]}
        self.crowd = Crowd([*map(_alike, self.requests)], [*map(_ceiling, self.requests)], lines)
        self.wary: set[int] = set()
        if any(map(_margin, self.requests)):
            self.wary = {n for n, request in enumerate(self.requests) if request.needed_ma > request.minimum_ma}
        self.most: list[Share] = []
        known: dict[int, Share] = {}
        for least, most, step in map(_range, self.requests):
            current = max(most - most % step, least)
            share = known.get(current)
            if share is None:
                share = known[current] = Share(current, None)
            self.most.append(share)
        self.all_most = {request[0]: share for request, share in zip(self.requests, self.most, strict=True)}
        self._turns: dict[int | None, list[Turn]] = {}
        self.beyond: dict[Weighing, int] = {}
        self._of: Weighings | None = None

    def weigh(self, of: Weighings) -> Sequence[tuple[Weighing, int]]:
        """What the minima of all do to the differences, mA of each kind."""
        minima = self.crowd.weighed(of)
        if of is not self._of:
            self._of = of
            self._turns.clear()
            self.beyond = dict.fromkeys([weighing for weighing, _ in minima], 0)
            for column in self.crowd.columns:
                most = sum([self.most[number][0] for number in column.everybody])
                self.beyond[column.weighing] += most - column.floor * len(column.everybody)
        return minima

    def turn(self, of: Weighings, difference: int | None = None) -> Sequence[Turn]:
        """The numbers of those who make it larger, in order of precedence; None: any of them."""
        self.weigh(of)
        known = self._turns.get(difference)
        if known is None:
            numbers = [number for column in self._who_tip(difference) for number in column.everybody]
            known = self._turns[difference] = self.in_order(numbers)
        return known

    def in_order(self, numbers: Iterable[int]) -> list[Turn]:
        """Of precedence."""
        return sorted([(precedence(self.requests[number]), number) for number in numbers])

    def _who_tip(self, difference: int | None) -> Iterable[Column]:
        kinds = {column.weighing for column in self.crowd.columns if column.weighing.tips}
        kinds = {kind for kind in kinds if difference is None or difference in kind.tips}
        return [column for column in self.crowd.columns if column.weighing in kinds]


class Admission:
    """Who of these gets its minimum. Mutable.

    `refused`: the shares (0 mA) of those who do not. `crowd`: the others, by the numbers of `requests`. `gone`:
    the numbers of those refused. `room`: beside the minima of the others; on the scales are these too.
    """

    __slots__ = ("_fleet", "_hopeless", "crowd", "gone", "refused", "requests", "room", "scales")

    def __init__(self, fleet: Fleet, room: Sequence[int], scales: Scales) -> None:
        self.requests = fleet.requests
        self.refused = fleet.unable.copy()
        self.crowd = fleet.crowd
        self.crowd.begin(room)
        self.room = self.crowd.beside_floors(room)
        self.scales = scales
        self._fleet = fleet
        self.gone: set[int] = set()
        self._hopeless: set[tuple[Lines, int]] = set()

    @property
    def admitted(self) -> list[Request]:
        return [request for request in self.requests if request.charge_point not in self.refused]

    def decide(self) -> None:
        """Admit in order of precedence. One who does not fit does not keep the next from fitting.

        Nearly always all minima fit, and nobody's turn matters: only those on short lines are asked one by one, and
        those who tilt the phases.
        """
        if self.scales.weigh:
            for weighing, current in self._fleet.weigh(self.scales.of):
                self.scales.add(weighing, current)
        asked = self._asked()
        others = [self.requests[number] for number in sorted(asked)]
        for request in others:
            self._load(request, -1)
        if others and self.scales.tilted():
            waiting = self._in_turn(asked)
        else:
            waiting = sorted([*others, *self._too_many(asked)], key=precedence)
        self._again(waiting)
        if self.refused:
            self.gone = {number for number, request in enumerate(self.requests) if request[0] in self.refused}
            self.crowd.leave(self.gone)

    def beyond(self) -> dict[Weighing, int]:
        """What those who are admitted can take beyond their minima, mA by what it does to the differences."""
        beyond, most = self._fleet.beyond.copy(), self._fleet.most
        for number in self.gone:
            request = self.requests[number]
            beyond[self.scales.of[request.lines]] -= most[number].amps_ma - request.minimum_ma
        return beyond

    def _asked(self) -> set[int]:
        """The numbers of those on lines with too little room for everybody's minimum, or who need more than that."""
        return {member for column in self.crowd.short(self.room) for member in column.members} | self._fleet.wary

    def _in_turn(self, asked: set[int]) -> list[Request]:
        """Ask them, and everybody else who weighs anything, anew. Returns those whom only the balance is against.

        There is room for the minima of the others: it stays theirs till they are refused, unless somebody is wary.
        """
        requests, fleet = self.requests, self._fleet
        certain = [turn for turn in fleet.turn(self.scales.of) if turn[1] not in asked]
        self.scales.clear()
        for _, number in certain if fleet.wary else ():
            self._take_room(requests[number], -1)
        tilting: list[Request] = []
        for _, number in sorted([*certain, *fleet.in_order(asked)]):
            stays = self._one if fleet.wary or number in asked else self._stays
            if not stays(requests[number]):
                tilting.append(requests[number])
        return tilting

    def _too_many(self, asked: set[int]) -> list[Request]:
        """Of those who all fit, but tilt the phases: those who must wait, the last in their turn."""
        scales = self.scales
        tilted = scales.tilted()
        turns: dict[int, list[int]] = {}
        out: set[int] = set()
        while tilted:
            difference = heappop(tilted)
            if scales.room[difference] >= 0:
                continue
            if difference not in turns:
                turns[difference] = [number for _, number in self._fleet.turn(scales.of, difference)]
            turn = turns[difference]
            while turn and (turn[-1] in out or turn[-1] in asked):
                turn.pop()
            if not turn:
                continue  # nobody of them makes it
            out.add(turn[-1])
            request = self.requests[turn.pop()]
            self._load(request, -1)
            for other in (difference, *scales.of[request.lines].steadies):
                heappush(tilted, other)
        return [self.requests[number] for number in sorted(out)]

    def _again(self, waiting: list[Request]) -> None:
        """Whom only the balance is against is asked again when others have come, at last together with others."""
        while waiting:
            tilting = [request for request in waiting if not self._one(request)]
            if len(tilting) == len(waiting):
                break
            waiting = tilting
        while self._some_together(waiting):
            waiting = [request for request in waiting if request.charge_point in self.refused]
            waiting = [request for request in waiting if not self._one(request)]

    def _load(self, request: Request, sign: int) -> None:
        self._take_room(request, sign)
        if self.scales.weigh:
            self.scales.put(request.lines, sign * request.minimum_ma)

    def _take_room(self, request: Request, sign: int) -> None:
        current = sign * request.minimum_ma
        for line, pull in pulls(request.lines).items():
            self.room[line] -= pull * current

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

    def _stays(self, request: Request) -> bool:
        """The same for one who has its room, and is not on the scales."""
        scales, least = self.scales, request[2]
        weighing = scales.of[request[1]]
        for difference in weighing.tips:
            if scales.room[difference] < least:
                self.refused[request.charge_point] = Share(0, scales.over(difference), balance=True)
                self._take_room(request, -1)
                return False
        scales.add(weighing, least)
        return True

    def _tight(self, request: Request, needed: int) -> int | None:
        room = self.room
        tight = [line for line, pull in pulls(request.lines).items() if room[line] < pull * needed]
        return min(tight, key=lambda line: (room[line], line)) if tight else None

    def _unfit(self, request: Request) -> bool:
        return self._tight(request, request.needed_ma) is not None

    def _take(self, request: Request) -> None:
        self._load(request, 1)
        self.refused.pop(request.charge_point, None)

    def _some_together(self, waiting: Sequence[Request]) -> bool:
        steadying: dict[int, list[tuple[int, Request]]] = {}
        for turn, request in enumerate(waiting):
            for difference in self.scales.of[request.lines].steadies:
                steadying.setdefault(difference, []).append((turn, request))
        found = [self._with_companions(request, steadying) for request in waiting]
        return any(found)

    def _with_companions(self, request: Request, steadying: Steadying) -> bool:
        """Loads that tilt the phases alone may fit together."""
        kind = (request.lines, request.needed_ma)
        if request.charge_point not in self.refused or kind in self._hopeless or self._unfit(request):
            return False
        together: list[tuple[Request, Share]] = []
        companion: Request | None = request
        while companion is not None:
            together.append((companion, self.refused[companion.charge_point]))
            self._take(companion)
            tilts = self._tilts([each for each, _ in together])
            if not tilts:
                self._hopeless.clear()
                return True
            companion = self._companion(tilts, steadying) if len(together) <= COMPANIONS else None
        for each, share in together:
            self._load(each, -1)
            self.refused[each.charge_point] = share
        self._hopeless.add(kind)
        return False

    def _tilts(self, together: Sequence[Request]) -> set[int]:
        """The differences that these, being on the scales, make too large."""
        room, of = self.scales.room, self.scales.of
        return {
            difference
            for each in together
            for difference in of[each.lines].tips
            if room[difference] < each.needed_ma - each.minimum_ma
        }

    def _companion(self, tilts: set[int], steadying: Steadying) -> Request | None:
        """The first in turn of those refused who makes one of these differences smaller, and has room."""
        found: list[tuple[int, Request]] = []
        for difference in tilts:
            fit = (
                (turn, other)
                for turn, other in steadying.get(difference, ())
                if other.charge_point in self.refused and not self._unfit(other)
            )
            found += islice(fit, 1)
        return min(found)[1] if found else None

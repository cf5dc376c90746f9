"""Who gets its minimum when not all can: as many as fit, in their turn, without tilting the phases (safety §2)."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from park.load.circuit import Lines
from park.load.fair.balance import Scales, Weighings
from park.load.fair.columns import Alike, Column, Weighing, pulls
from park.load.fair.crowd import Crowd
from park.load.fair.hopes import hopeful

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


Steadying: TypeAlias = Mapping[int, Sequence[tuple[int, int]]]
"""By difference: who makes it smaller, place in the turn and number."""

Precedence: TypeAlias = tuple[int, int, bool, float, float, str]
"""The smaller one comes first."""

Turn: TypeAlias = tuple[Precedence, int, Weighing, int]
"""With the number of the request, what it does to the differences, and its minimum."""

NOTHING_WANTED = Share(0, None)

_alike = itemgetter(1, 2, 8, 7)
_name = itemgetter(0)
_ceiling = itemgetter(3)
_margin = itemgetter(6)
_step = itemgetter(9)
_range = itemgetter(2, 3, 9)
_rising = itemgetter(3, 0)


def precedence(request: Request) -> Precedence:
    """Order of admission: class, turn, those who charge (the longest charging last, B-410), the longest waiting."""
    name, _, _, _, since, waiting, _, priority, _, _, turn, _ = request
    return (-priority, turn, since is None, 0.0 if since is None else -since, waiting, name)


class Fleet:
    """Vehicles that are planned for, again and again while they are the same.

    `requests`: who could have its minimum, those who are alike together, the lowest maximum of them first; `unable`:
    the shares of the others. By number: `names`, the charge points; `steps`, mA from step to step of the hardware;
    `most`, mA at the maximum. `all_most`: the shares of all at their maxima. `wary`: the numbers of those who need more
    than their minimum to be admitted.
    `beyond`: what all would do to the differences with all that is beyond their minima.
    """

    __slots__ = ("_of", "_turns", "all_most", "beyond", "crowd", "most", "names", "requests", "steps", "unable", "wary")

    def __init__(self, requests: Sequence[Request], lines: int) -> None:
        """`lines`: how many there are."""
        self.unable = {request[0]: NOTHING_WANTED for request in requests if request[3] < request[2]}
        able = [request for request in requests if request[3] >= request[2]] if self.unable else requests
        alike: defaultdict[Alike, list[Request]] = defaultdict(list)
        for kind, request in zip(map(_alike, able), able, strict=True):
            alike[kind].append(request)
        self.requests: list[Request] = []
        kinds: list[tuple[Alike, int]] = []
        for kind in sorted(alike):
            members = alike[kind]
            if len(members) > 1:
                members.sort(key=_rising)
            kinds.append((kind, len(members)))
            self.requests += members
        self.crowd = Crowd(kinds, [*map(_ceiling, self.requests)], lines)
        self.wary: set[int] = set()
        if any(map(_margin, self.requests)):
            self.wary = {n for n, request in enumerate(self.requests) if request.needed_ma > request.minimum_ma}
        self.names = [*map(_name, self.requests)]
        self.steps = [*map(_step, self.requests)]
        self.most = [max(most - most % step, least) for least, most, step in map(_range, self.requests)]
        known = {current: Share(current, None) for current in {*self.most}}
        self.all_most = {name: known[current] for name, current in zip(self.names, self.most, strict=True)}
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
                most = sum([self.most[number] for number in column.everybody])
                self.beyond[column.weighing] += most - column.floor * len(column.everybody)
        return minima

    def turn(self, of: Weighings, difference: int | None = None) -> Sequence[Turn]:
        """Those who make it larger, in order of precedence; None: any of them."""
        self.weigh(of)
        known = self._turns.get(difference)
        if known is None:
            who = self._who_tip(difference)
            known = self._turns[difference] = self.in_order([n for column in who for n in column.everybody], of)
        return known

    def in_order(self, numbers: Iterable[int], of: Weighings) -> list[Turn]:
        """Of precedence."""
        requests = [(number, self.requests[number]) for number in numbers]
        return sorted([(precedence(request), number, of[request[1]], request[2]) for number, request in requests])

    def _who_tip(self, difference: int | None) -> Iterable[Column]:
        kinds = {column.weighing for column in self.crowd.columns if column.weighing.tips}
        kinds = {kind for kind in kinds if difference is None or difference in kind.tips}
        return [column for column in self.crowd.columns if column.weighing in kinds]


class Admission:
    """Who of these gets its minimum, all of them by their numbers in `requests`. Mutable.

    `out`: the shares (0 mA) of those who do not. `crowd`: the others. `room`: beside the minima of the others; on the
    scales are these too.
    """

    __slots__ = ("_fleet", "_hopeless", "crowd", "out", "requests", "room", "scales")

    def __init__(self, fleet: Fleet, room: Sequence[int], scales: Scales) -> None:
        self.requests = fleet.requests
        self.out: dict[int, Share] = {}
        self.crowd = fleet.crowd
        self.crowd.begin(room)
        self.room = self.crowd.beside_floors(room)
        self.scales = scales
        self._fleet = fleet
        self._hopeless: set[tuple[Lines, int]] = set()

    @property
    def admitted(self) -> list[Request]:
        return [request for number, request in enumerate(self.requests) if number not in self.out]

    @property
    def refused(self) -> dict[str, Share]:
        """The shares of all others, by charge point."""
        names = self._fleet.names
        return self._fleet.unable | {names[number]: share for number, share in self.out.items()}

    def decide(self) -> None:
        """Admit in order of precedence. One who does not fit does not keep the next from fitting.

        Nearly always all minima fit, and nobody's turn matters: only those on short lines are asked one by one, and
        those who tilt the phases.
        """
        if self.scales.weigh:
            for weighing, current in self._fleet.weigh(self.scales.of):
                self.scales.add(weighing, current)
        asked = self._asked()
        for number in asked:
            self._load(number, -1)
        if asked and self.scales.tilted():
            waiting = self._in_turn(asked)
        else:
            waiting = self._ordered(asked | self._too_many(asked))
        self._again(waiting)
        if self.out:
            self.crowd.leave(self.out)

    def beyond(self) -> dict[Weighing, int]:
        """What those who are admitted can take beyond their minima, mA by what it does to the differences."""
        beyond, most = self._fleet.beyond.copy(), self._fleet.most
        for number in self.out:
            request = self.requests[number]
            beyond[self.scales.of[request.lines]] -= most[number] - request.minimum_ma
        return beyond

    def _ordered(self, numbers: Iterable[int]) -> list[int]:
        return [number for _, number, *_ in self._fleet.in_order(numbers, self.scales.of)]

    def _asked(self) -> set[int]:
        """The numbers of those on lines with too little room for everybody's minimum, or who need more than that."""
        return {member for column in self.crowd.short(self.room) for member in column.members} | self._fleet.wary

    def _in_turn(self, asked: set[int]) -> list[int]:
        """Ask them, and everybody else who weighs anything, anew. Returns those whom only the balance is against.

        There is room for the minima of the others: it stays theirs till they are refused, unless somebody is wary.
        """
        scales, fleet = self.scales, self._fleet
        turn = fleet.turn(scales.of)
        light = [number for number in asked if not scales.of[self.requests[number].lines].tips]
        scales.clear()
        for _, number, *_ in turn if fleet.wary else ():
            if number not in asked:
                self._take_room(number, -1)
        room, tilting = scales.room, list[int]()
        for _, number, weighing, least in _merged(turn, fleet.in_order(light, scales.of)):
            if number in asked or fleet.wary:
                if not self._one(number):
                    tilting.append(number)
                continue
            for difference in weighing.tips:
                if room[difference] < least:
                    self.out[number] = Share(0, scales.over(difference), balance=True)
                    self._take_room(number, -1)
                    tilting.append(number)
                    break
            else:
                scales.add(weighing, least)
        return tilting

    def _too_many(self, asked: set[int]) -> set[int]:
        """Of those who all fit, but tilt the phases: those who must wait, the last in their turn."""
        scales, out = self.scales, set[int]()
        tilted = scales.tilted()
        places: dict[int, int] = {}  # by difference: who makes it, and is not out, comes before that in the turn
        while tilted:
            difference = heappop(tilted)
            if scales.room[difference] >= 0:
                continue
            turn = self._fleet.turn(scales.of, difference)
            place = places.get(difference, len(turn)) - 1
            while place >= 0 and (turn[place][1] in out or turn[place][1] in asked):
                place -= 1
            places[difference] = max(0, place)
            if place < 0:
                continue  # nobody of them makes it
            _, number, weighing, _ = turn[place]
            out.add(number)
            self._load(number, -1)
            for other in (difference, *weighing.steadies):
                heappush(tilted, other)
        return out

    def _again(self, waiting: list[int]) -> None:
        """Whom only the balance is against is asked again when others have come, at last together with others."""
        waiting = self._tilting(waiting)
        while self._some_together(waiting):
            waiting = [number for number in waiting if number in self.out]
            waiting = [number for number in waiting if not self._one(number)]

    def _tilting(self, waiting: Sequence[int]) -> list[int]:
        """Those of them whom the balance is against whoever else of them comes. The others have come, or cannot."""
        requests, of, free = self.requests, self.scales.of, self.scales.room
        asked = [(number, requests[number].lines, requests[number].needed_ma) for number in waiting]
        hopes = [(number, pulls(lines).items(), of[lines].tips, needed) for number, lines, needed in asked]
        hopes = hopeful(hopes, self.room, free, self._one)
        for number, _, tips, needed in hopes:
            against = next(difference for difference in tips if free[difference] < needed)
            self.out[number] = Share(0, self.scales.over(against), balance=True)
        return [number for number, *_ in hopes]

    def _load(self, number: int, sign: int) -> None:
        self._take_room(number, sign)
        if self.scales.weigh:
            request = self.requests[number]
            self.scales.put(request.lines, sign * request.minimum_ma)

    def _take_room(self, number: int, sign: int) -> None:
        request, room = self.requests[number], self.room
        current = sign * request.minimum_ma
        for line, pull in pulls(request.lines).items():
            room[line] -= pull * current

    def _one(self, number: int) -> bool:
        """False: only the balance of phases is against it now."""
        request = self.requests[number]
        needed = request.needed_ma
        tight = self._tight(request, needed)
        if tight is not None:
            self.out[number] = Share(0, tight)
            return True
        tilts = self.scales.refuses(request.lines, needed)
        if tilts is not None:
            self.out[number] = Share(0, tilts, balance=True)
            return False
        self._take(number)
        return True

    def _tight(self, request: Request, needed: int) -> int | None:
        """The line with the least room of those that have too little for it."""
        room = self.room
        tight = [(room[line], line) for line, pull in pulls(request.lines).items() if room[line] < pull * needed]
        return min(tight)[1] if tight else None

    def _unfit(self, number: int) -> bool:
        request = self.requests[number]
        return self._tight(request, request.needed_ma) is not None

    def _take(self, number: int) -> None:
        self._load(number, 1)
        self.out.pop(number, None)

    def _some_together(self, waiting: Sequence[int]) -> bool:
        steadying: dict[int, list[tuple[int, int]]] = {}
        for turn, number in enumerate(waiting):
            for difference in self.scales.of[self.requests[number].lines].steadies:
                steadying.setdefault(difference, []).append((turn, number))
        found = [self._with_companions(number, steadying) for number in waiting]
        return any(found)

    def _with_companions(self, number: int, steadying: Steadying) -> bool:
        """Loads that tilt the phases alone may fit together."""
        request = self.requests[number]
        kind = (request.lines, request.needed_ma)
        if number not in self.out or kind in self._hopeless or self._unfit(number):
            return False
        together: list[tuple[int, Share]] = []
        companion: int | None = number
        while companion is not None:
            together.append((companion, self.out[companion]))
            self._take(companion)
            tilts = self._tilts([each for each, _ in together])
            if not tilts:
                self._hopeless.clear()
                return True
            companion = self._companion(tilts, steadying) if len(together) <= COMPANIONS else None
        for each, share in together:
            self._load(each, -1)
            self.out[each] = share
        self._hopeless.add(kind)
        return False

    def _tilts(self, together: Sequence[int]) -> set[int]:
        """The differences that these, being on the scales, make too large."""
        room, of = self.scales.room, self.scales.of
        return {
            difference
            for each in [self.requests[number] for number in together]
            for difference in of[each.lines].tips
            if room[difference] < each.needed_ma - each.minimum_ma
        }

    def _companion(self, tilts: set[int], steadying: Steadying) -> int | None:
        """The first in turn of those refused who makes one of these differences smaller, and has room."""
        found: list[tuple[int, int]] = []
        for difference in tilts:
            fit = (
                (turn, other)
                for turn, other in steadying.get(difference, ())
                if other in self.out and not self._unfit(other)
            )
            found += islice(fit, 1)
        return min(found)[1] if found else None


def _merged(many: Sequence[Turn], few: Iterable[Turn]) -> Iterable[Turn]:
    """All of them in order, which each of the two is already."""
    begin = 0
    for turn in few:
        end = bisect(many, turn, begin)
        yield from many[begin:end]
        yield turn
        begin = end
    yield from many[begin:]

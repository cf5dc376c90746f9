"""The tree in parts that do not meddle with each other: only those where something changed are shared out again.

A circuit that has more room than all below it can ever take binds nobody, so what hangs below it falls into parts. The
shares of a part depend on its requests and the room of its lines alone: while these stay, the shares stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from park.load.admission import Request, Share
from park.load.allocate import Allocation, allocate
from park.load.circuit import LIMITS, WIRES, Lines
from park.load.fair.balance import Balance
from park.load.fair.columns import pulls

Flow: TypeAlias = tuple[int, int, int, int]
"""mA on the phases and their sum."""

NOWHERE = -1  # where requests hang that load no line


@lru_cache(maxsize=65536)
def _path(lines: Lines) -> tuple[int, ...]:
    """The circuits of these lines, from where the load hangs to the grid."""
    return tuple(dict.fromkeys([line // LIMITS for line in lines])) or (NOWHERE,)


@lru_cache(maxsize=65536)
def innermost(lines: Lines) -> tuple[tuple[int, int], ...]:
    """Of the circuit where the load hangs: (phase or power, what one mA takes there)."""
    return tuple([(line % LIMITS, pull) for line, pull in pulls(lines).items() if line // LIMITS == lines[0] // LIMITS])


class _Unit:
    """The requests of those who hang on one circuit, not below it. `wish`: what all of them take at most, by limit.

    `shares`: found last. `own`: the room of the circuit with that, None: it depended on more.
    """

    __slots__ = ("_flow", "_flow_in", "own", "path", "requests", "shares", "wish")

    def __init__(self, requests: list[Request]) -> None:
        self.requests = requests
        self.path = max([_path(request.lines) for request in requests], key=len)
        self.shares: dict[str, Share] = {}
        wish = [0] * LIMITS
        for request in requests:
            most = max(request.maximum_ma, request.needed_ma)
            for place, pull in innermost(request.lines):
                wish[place] += pull * most
        self.wish = wish
        self.own: Sequence[int] | None = None
        self._flow_in: Sequence[int] = ()
        self._flow = (0, 0, 0, 0)

    def flow(self, own: Sequence[int]) -> Flow:
        """What can come up from it while its circuit has this room."""
        if own != self._flow_in:
            self._flow_in, self._flow = own, _flow(self.wish, own)
        return self._flow

    def has_other(self, room: Sequence[int]) -> bool:
        """A part by itself: whether its circuit has another room than when it was shared out."""
        first = self.path[0] * LIMITS
        own = room[first : first + LIMITS]
        if own == self.own:
            return False
        self.own = own
        return True

    def is_below(self, parents: dict[int, int]) -> bool:
        """Its circuits hang on each other as `parents` says, which takes them in."""
        for here, above in zip(self.path, self.path[1:], strict=False):
            if parents.setdefault(here, above) != above:
                return False
        return all(_path(request.lines) == self.path[: len(_path(request.lines))] for request in self.requests)


class Parts:
    """Shares as `allocate` gives them, with what is remembered of the time before. Mutable."""

    __slots__ = ("_asked", "_coming", "_found", "_inward", "_parents", "_rising", "_solved", "_units", "_whole")

    def __init__(self) -> None:
        self._whole = Allocation()
        self._forget()

    @property
    def asked(self) -> tuple[list[Request], list[int], tuple[Balance, ...]] | None:
        """What was shared out last: requests, room and balances; the same object while they are the same."""
        return self._asked

    @property
    def shares(self) -> dict[str, Share]:
        """As found last; do not change it."""
        return self._found

    def _forget(self) -> None:
        self._asked: tuple[list[Request], list[int], tuple[Balance, ...]] | None = None
        self._found: dict[str, Share] = {}
        self._units: dict[int, _Unit] = {}
        self._parents: dict[int, int] = {}
        self._inward: list[tuple[int, int | None]] = []  # circuits and those above them, the deepest first
        self._solved: dict[int, tuple[list[_Unit], list[int]]] = {}
        self._rising: dict[int, Flow] | None = None  # what can come up from each circuit; None: some are tight
        self._coming: dict[int, list[int]] = {}  # … by limit, to a circuit from all those below it

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]:
        """The same as `allocate.allocate`; do not change it. A limit of imbalance makes the tree one part."""
        asked = (list(requests), list(room), tuple(balances))
        if asked != self._asked:
            whole = balances or not self._sorted_in(requests)
            self._rising = None
            self._found = self._whole.allocate(requests, room, balances) if whole else self._shares(room)
            self._asked = asked
        return self._found

    def again(self, path: tuple[int, ...], requests: list[Request], room: Sequence[int]) -> dict[str, Share] | None:
        """Shares of those who hang on the first circuit of this path, when only they and the room on it have changed.

        They are among `shares` then. None: others may have to share too, or nothing is known of the time before.
        """
        if self._rising is None or not self._leads(path) or any(_path(each.lines) != path for each in requests):
            return None
        here, unit = path[0], _Unit(requests) if requests else None
        known = self._units.pop(here, None)
        if unit is not None:
            self._units[here] = unit
        if not self._rises(path, room):
            self._rising = self._asked = None
            return None
        for request in () if known is None else known.requests:
            self._found.pop(request.charge_point, None)
        found = {} if unit is None else _alone(unit, room)
        self._found |= found
        self._asked = ([each for other in self._units.values() for each in other.requests], list(room), ())
        return found

    def _leads(self, path: tuple[int, ...]) -> bool:
        """Whether these circuits are known to hang on each other so."""
        return all(self._parents.get(here) == above for here, above in pairwise(path))

    def _rises(self, path: Sequence[int], room: Sequence[int]) -> bool:
        """Count anew what comes up on this way. False: a circuit on it is tight now."""
        rising = self._rising or {}
        for here, above in zip(path, (*path[1:], None), strict=True):
            unit, below = self._units.get(here), self._coming.get(here)
            own = room[here * LIMITS : here * LIMITS + LIMITS]
            if below is None:
                flow = (0, 0, 0, 0) if unit is None else unit.flow(own)
            else:
                wish = _with(below, unit)
                if _binds(wish, own):
                    return False
                flow = _flow(wish, own)
            if above is not None:
                before = rising.get(here, (0, 0, 0, 0))
                more = (flow[0] - before[0], flow[1] - before[1], flow[2] - before[2], flow[3] - before[3])
                _add(self._coming.setdefault(above, [0] * LIMITS), more)
                rising[here] = flow
        return True

    def _shares(self, room: Sequence[int]) -> dict[str, Share]:
        alone, parts = self._parts(room)
        anew = [unit for unit in alone if unit.has_other(room)]
        before = self._solved
        self._solved = {top: (part, _rooms(top, part, room)) for top, part in parts.items()}
        for top, state in self._solved.items():
            if before.get(top) != state:
                anew += state[0]
        found = allocate([request for unit in anew for request in unit.requests], room) if anew else {}
        for unit in anew:
            unit.shares = {request.charge_point: found[request.charge_point] for request in unit.requests}
        shares: dict[str, Share] = {}
        for unit in self._units.values():
            shares |= unit.shares
        return shares

    def _sorted_in(self, requests: Iterable[Request]) -> bool:
        """Requests by the circuit they hang on; units whose requests are the same stay. False: it is no tree."""
        found: dict[int, list[Request]] = {}
        for request in requests:
            lines = request[1]
            here = lines[0] // LIMITS if lines else NOWHERE
            if here in found:
                found[here].append(request)
            else:
                found[here] = [request]
        known, self._units = self._units, {}
        circuits = len(self._parents)
        for here, there in found.items():
            unit = known.get(here)
            if unit is None or unit.requests != there:
                unit = _Unit(there)
                if not unit.is_below(self._parents):
                    self._forget()
                    return False
            self._units[here] = unit
        if len(self._parents) != circuits or not self._inward:
            inward = sorted({*self._parents, *self._parents.values()}, key=lambda each: (-self._depth(each), each))
            self._inward = [(here, self._parents.get(here)) for here in inward]
        return True

    def _depth(self, circuit: int) -> int:
        depth = 0
        while circuit in self._parents:
            circuit, depth = self._parents[circuit], depth + 1
        return depth

    def _parts(self, room: Sequence[int]) -> tuple[Iterable[_Unit], dict[int, list[_Unit]]]:
        """The units that are parts by themselves, and those of the other parts, by its topmost circuit."""
        tight = self._tight(room)
        if not tight:
            return self._units.values(), {}
        alone: list[_Unit] = []
        parts: dict[int, list[_Unit]] = {}
        for unit in self._units.values():
            top = next((circuit for circuit in reversed(unit.path) if circuit in tight), None)
            if top is None:
                alone.append(unit)
                continue
            unit.own = None
            if top in parts:
                parts[top].append(unit)
            else:
                parts[top] = [unit]
        return alone, parts

    def _tight(self, room: Sequence[int]) -> set[int]:
        """Circuits with others below that may take all they have: what may come up to them is not less than it."""
        tight: set[int] = set()
        coming: dict[int, list[int]] = {}
        rising: dict[int, Flow] = {}
        for here, above in self._inward:
            unit, below = self._units.get(here), coming.get(here)
            own = room[here * LIMITS : here * LIMITS + LIMITS]
            if below is None:
                if unit is not None and above is not None:
                    rising[here] = unit.flow(own)
                    _add(coming.setdefault(above, [0] * LIMITS), rising[here])
                continue
            wish = _with(below, unit)
            if _binds(wish, own):
                tight.add(here)
            if above is not None:
                rising[here] = _flow(wish, own)
                _add(coming.setdefault(above, [0] * LIMITS), rising[here])
        self._coming, self._rising = coming, None if tight else rising
        return tight


def _with(below: list[int], unit: _Unit | None) -> Sequence[int]:
    """What all that comes to a circuit may take, who hangs on it included."""
    return below if unit is None else [a + b for a, b in zip(below, unit.wish, strict=True)]


def _binds(wish: Sequence[int], own: Sequence[int]) -> bool:
    return any(most >= free for most, free in zip(wish, own, strict=True) if most)


def _alone(unit: _Unit, room: Sequence[int]) -> dict[str, Share]:
    """The shares of a part by itself. Its few lines are numbered anew, in their order: the others cost time."""
    circuits = sorted(unit.path)
    lines = [here * LIMITS + place for here in circuits for place in range(LIMITS)]
    number = {line: place for place, line in enumerate(lines)}
    few = [each._replace(lines=tuple([number[line] for line in each.lines])) for each in unit.requests]
    shares = allocate(few, [room[line] for line in lines])
    unit.own = room[unit.path[0] * LIMITS : unit.path[0] * LIMITS + LIMITS]
    unit.shares = {
        name: share if share.line is None else share._replace(line=lines[share.line]) for name, share in shares.items()
    }
    return unit.shares


def _rooms(top: int, part: list[_Unit], room: Sequence[int]) -> list[int]:
    """Of all lines of a part."""
    circuits = dict.fromkeys([circuit for unit in part for circuit in unit.path[: unit.path.index(top) + 1]])
    return [free for circuit in circuits for free in room[circuit * LIMITS : circuit * LIMITS + LIMITS]]


def _flow(wish: Sequence[int], room: Sequence[int]) -> Flow:
    """What can come up through a circuit of this room; its phases together no more than its power."""
    one, two, three = max(0, min(wish[0], room[0])), max(0, min(wish[1], room[1])), max(0, min(wish[2], room[2]))
    return (one, two, three, max(0, min(one + two + three, room[WIRES])))


def _add(sums: list[int], flow: Flow) -> None:
    one, two, three, power = flow
    sums[0] += one
    sums[1] += two
    sums[2] += three
    sums[WIRES] += power

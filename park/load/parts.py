"""The tree in parts that do not meddle with each other: only those where something changed are shared out again.

A circuit that has more room than all below it can ever take binds nobody, so what hangs below it falls into parts. The
shares of a part depend on its requests and the room of its lines alone: while these stay, the shares stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
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
def _first(lines: Lines) -> tuple[tuple[int, int], ...]:
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
            for place, pull in _first(request.lines):
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

    __slots__ = ("_asked", "_found", "_inward", "_parents", "_solved", "_units", "_whole")

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

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]:
        """The same as `allocate.allocate`; do not change it. A limit of imbalance makes the tree one part."""
        asked = (list(requests), list(room), tuple(balances))
        if asked != self._asked:
            whole = balances or not self._sorted_in(requests)
            self._found = self._whole.allocate(requests, room, balances) if whole else self._shares(room)
            self._asked = asked
        return self._found

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
        coming: dict[int, list[int]] = {}  # by limit, to a circuit from those below it
        for here, above in self._inward:
            unit, below = self._units.get(here), coming.get(here)
            own = room[here * LIMITS : here * LIMITS + LIMITS]
            if below is None:
                if unit is not None and above is not None:
                    _add(coming.setdefault(above, [0] * LIMITS), unit.flow(own))
                continue
            wish = below if unit is None else [a + b for a, b in zip(below, unit.wish, strict=True)]
            if any(most >= free for most, free in zip(wish, own, strict=True) if most):
                tight.add(here)
            if above is not None:
                _add(coming.setdefault(above, [0] * LIMITS), _flow(wish, own))
        return tight


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

"""The balance of phases on a circuit: how much more the fullest phase may carry than the emptiest does (B-091)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from park.load.circuit import LIMITS, WIRES, Lines
from park.load.fair.columns import LEVEL, PAIRS, Spread, Weighing
from park.model.electric import ZERO, PerPhase


class Balance(NamedTuple):
    """`limit_ma`: largest difference between two phases of the circuit of this number.

    `adrift`: the line of loads of which nobody knows the phase, None: there are none (see `adrift.lay`).
    `most_ma`, `least_ma`: what flows there besides what is to be shared, at most and at least.
    """

    circuit: int
    limit_ma: int
    most_ma: PerPhase = ZERO
    least_ma: PerPhase = ZERO
    adrift: int | None = None


Place: TypeAlias = tuple[int, int | None]
"""A circuit with a limit of imbalance, and the line of loads of which nobody knows the phase there."""

DIFFERENCES = len(PAIRS)  # of each circuit; they are numbered circuit by circuit


class Weighings(dict[Lines, Weighing]):
    """By the lines of a load; found when they are asked for first."""

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__()
        self._number = {circuit: number for number, (circuit, _) in enumerate(places)}
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], Weighing] = {((), ()): LEVEL}
        self._adrift = {line: circuit for circuit, line in places if line is not None}

    def __missing__(self, lines: Lines) -> Weighing:
        drifts = [self._adrift[line] for line in lines if line in self._adrift]
        on = [divmod(line, LIMITS) for line in lines if line // LIMITS in self._number]
        on = [(circuit, phase) for circuit, phase in on if phase < WIRES and circuit not in drifts]
        tips = [
            (circuit, (over, under))
            for circuit, over in on
            for under in range(WIRES)
            if under != over and (circuit, under) not in on
        ]
        steadies = tuple([self._difference(circuit, (under, over)) for circuit, (over, under) in tips])
        tips += [(circuit, pair) for circuit in drifts for pair in PAIRS]
        found = Weighing(
            tuple([self._difference(*tip) for tip in tips]), steadies, tuple(dict.fromkeys([tip[0] for tip in tips]))
        )
        found = self[lines] = self._known.setdefault((found.tips, steadies), found)
        return found

    def _difference(self, circuit: int, pair: tuple[int, int]) -> int:
        return DIFFERENCES * self._number[circuit] + PAIRS.index(pair)


@lru_cache(maxsize=8)
def weighings(places: tuple[Place, ...]) -> Weighings:
    """Of loads beside these limits; the same for every plan of a park."""
    return Weighings(places)


class Scales:
    """How much more each difference may grow as loads are put on and taken off, mA: `room`. Mutable."""

    __slots__ = ("_balances", "_empty", "of", "room", "weigh")

    def __init__(self, balances: Sequence[Balance]) -> None:
        self.weigh = bool(balances)  # False: nothing tilts
        self.of = weighings(tuple([(balance.circuit, balance.adrift) for balance in balances]))
        self._balances = balances
        self._empty = [
            balance.limit_ma - balance.most_ma[over] + balance.least_ma[under]
            for balance in balances
            for over, under in PAIRS
        ]
        self.room = self._empty.copy()

    def clear(self) -> None:
        """Nothing is on them."""
        self.room = self._empty.copy()

    def put(self, lines: Lines, current_ma: int) -> None:
        """One load more, or with a negative current one less."""
        self.add(self.of[lines], current_ma)

    def add(self, weighing: Weighing, current_ma: int) -> None:
        """Loads of this kind more."""
        room = self.room
        for difference in weighing.tips:
            room[difference] -= current_ma
        for difference in weighing.steadies:
            room[difference] += current_ma

    def refuses(self, lines: Lines, current_ma: int) -> int | None:
        """The line that a load would unbalance too much; None: it may come."""
        room = self.room
        for difference in self.of[lines].tips:
            if room[difference] < current_ma:
                return self.over(difference)
        return None

    def tilted(self) -> list[int]:
        """Differences that are too large."""
        if min(self.room, default=0) >= 0:
            return []
        return [difference for difference, free in enumerate(self.room) if free < 0]

    def spreads(self) -> list[Spread]:
        """What is left, as the solver takes it."""
        return [
            Spread(circuit * LIMITS + over, circuit * LIMITS + under, self.room[number * DIFFERENCES + pair], adrift)
            for number, (circuit, _, _, _, adrift) in enumerate(self._balances)
            for pair, (over, under) in enumerate(PAIRS)
        ]

    def over(self, difference: int) -> int:
        """The line with too much, where it is too large."""
        number, pair = divmod(difference, DIFFERENCES)
        return self._balances[number].circuit * LIMITS + PAIRS[pair][0]

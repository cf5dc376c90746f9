"""The balance of phases on a circuit: how much more the fullest phase may carry than the emptiest does (B-091)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from park.load.circuit import LIMITS, WIRES, Lines, is_power
from park.load.fair.columns import PAIRS, Spread
from park.model.electric import ZERO, PerPhase

Phasing: TypeAlias = tuple[int, int, int]
"""1 on the phases of a circuit that a load uses, 0 on the others."""


class Balance(NamedTuple):
    """`limit_ma`: largest difference between two phases of the circuit of this number.

    `most_ma`, `least_ma`: what flows there besides what is to be shared, at most and at least.
    """

    circuit: int
    limit_ma: int
    most_ma: PerPhase = ZERO
    least_ma: PerPhase = ZERO


class Scales:
    """What is on each phase of the circuits with a limit of imbalance, as loads are put on and taken off. Mutable."""

    __slots__ = ("_balances", "_on")

    def __init__(self, balances: Sequence[Balance]) -> None:
        self._balances = {balance.circuit: balance for balance in balances}
        self._on = {balance.circuit: [0, 0, 0] for balance in balances}

    def put(self, lines: Lines, current_ma: int) -> None:
        """One load more, or with a negative current one less."""
        for line in lines:
            circuit, phase = divmod(line, LIMITS)
            if phase < WIRES and circuit in self._on:
                self._on[circuit][phase] += current_ma

    def room_ma(self, circuit: int, over: int, under: int) -> int:
        """How much more phase `over` (0, 1, 2) may carry before it is too much for what `under` carries."""
        balance, on = self._balances[circuit], self._on[circuit]
        return balance.limit_ma - balance.most_ma[over] - on[over] + balance.least_ma[under] + on[under]

    def refuses(self, lines: Lines, current_ma: int) -> int | None:
        """The line that a load would unbalance too much; None: it may come."""
        for circuit, phases in self._phasing(lines).items():
            for over, under in PAIRS:
                if phases[over] > phases[under] and self.room_ma(circuit, over, under) < current_ma:
                    return circuit * LIMITS + over
        return None

    def tilted(self, lines: Lines, spare_ma: int = 0) -> list[tuple[int, int, int]]:
        """(circuit, phase with too much, phase with too little) where this load, being on already, tilts the phases.

        `spare_ma`: what must be left.
        """
        return [
            (circuit, over, under)
            for circuit, phases in self._phasing(lines).items()
            for over, under in PAIRS
            if phases[over] > phases[under] and self.room_ma(circuit, over, under) < spare_ma
        ]

    def steadies(self, lines: Lines, tilt: tuple[int, int, int]) -> bool:
        """The load would weigh on the phase that has too little and not on the other."""
        circuit, over, under = tilt
        phases = self._phasing(lines).get(circuit)
        return phases is not None and phases[under] > phases[over]

    def all_tilted(self) -> list[tuple[int, int, int]]:
        return [
            (circuit, over, under)
            for circuit in self._balances
            for over, under in PAIRS
            if self.room_ma(circuit, over, under) < 0
        ]

    def spreads(self) -> list[Spread]:
        """What is left, as the solver takes it."""
        return [
            Spread(circuit * LIMITS + over, circuit * LIMITS + under, self.room_ma(circuit, over, under))
            for circuit in self._balances
            for over, under in PAIRS
        ]

    def _phasing(self, lines: Lines) -> dict[int, Phasing]:
        found: dict[int, list[int]] = {}
        for line in lines:
            circuit, phase = divmod(line, LIMITS)
            if circuit in self._on and not is_power(line):
                found.setdefault(circuit, [0, 0, 0])[phase] = 1
        return {circuit: (a, b, c) for circuit, (a, b, c) in found.items()}

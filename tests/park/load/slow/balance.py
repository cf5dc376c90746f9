"""What is on each phase, summed up anew for each question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from park.load.circuit import LIMITS, WIRES, Lines
from park.load.fair.balance import Balance
from park.load.fair.columns import PAIRS, Spread

Tilt: TypeAlias = tuple[int, int, int]
"""(circuit, phase 0, 1, 2 with too much, phase with too little)."""

ADRIFT = WIRES
"""In place of a phase: any of them."""


class Scales:
    """What is on each phase of the circuits with a limit of imbalance, as loads are put on and taken off. Mutable."""

    __slots__ = ("_balances", "_on", "_places", "_tips", "weigh")

    def __init__(self, balances: Sequence[Balance]) -> None:
        self.weigh = bool(balances)  # False: nothing tilts
        self._balances = {balance.circuit: balance for balance in balances}
        self._on = {balance.circuit: [0, 0, 0, 0] for balance in balances}
        self._places: dict[Lines, tuple[tuple[int, int], ...]] = {}
        self._tips: dict[Lines, tuple[Tilt, ...]] = {}

    def put(self, lines: Lines, current_ma: int) -> None:
        """One load more, or with a negative current one less."""
        for circuit, phase in self._where(lines):
            self._on[circuit][phase] += current_ma

    def room_ma(self, tilt: Tilt) -> int:
        """How much more the first phase may carry before it is too much for what the second carries."""
        circuit, over, under = tilt
        balance, on = self._balances[circuit], self._on[circuit]
        return balance.limit_ma - balance.most_ma[over] - on[over] + balance.least_ma[under] + on[under] - on[ADRIFT]

    def refuses(self, lines: Lines, current_ma: int) -> int | None:
        """The line that a load would unbalance too much; None: it may come."""
        room = self.room_ma
        return next((tilt[0] * LIMITS + tilt[1] for tilt in self.tips(lines) if room(tilt) < current_ma), None)

    def tilted(self, lines: Lines, spare_ma: int = 0) -> list[Tilt]:
        """What this load, being on already, tilts. `spare_ma`: what must be left."""
        return [tilt for tilt in self.tips(lines) if self.room_ma(tilt) < spare_ma]

    def steadies(self, lines: Lines, tilt: Tilt) -> bool:
        """The load would weigh on the phase that has too little and not on the other."""
        circuit, over, under = tilt
        tips = self.tips(lines)
        return (circuit, under, over) in tips and tilt not in tips

    def all_tilted(self) -> list[Tilt]:
        return [tilt for tilt in self._all() if self.room_ma(tilt) < 0]

    def spreads(self) -> list[Spread]:
        """What is left, as the solver takes it."""
        return [
            Spread(
                circuit * LIMITS + over,
                circuit * LIMITS + under,
                self.room_ma((circuit, over, under)),
                self._balances[circuit].adrift,
            )
            for circuit, over, under in self._all()
        ]

    def tips(self, lines: Lines) -> tuple[Tilt, ...]:
        """The differences that such a load makes larger."""
        found = self._tips.get(lines)
        if found is None:
            on = self._where(lines)
            pairs = [(circuit, over, under) for circuit, over in on for under in range(WIRES)]
            tips = [tilt for tilt in pairs if tilt[1] != ADRIFT and (tilt[0], tilt[2]) not in on]
            tips += [(circuit, over, under) for circuit, place in on if place == ADRIFT for over, under in PAIRS]
            found = self._tips[lines] = tuple(tips)
        return found

    def _all(self) -> list[Tilt]:
        return [(circuit, over, under) for circuit in self._balances for over, under in PAIRS]

    def _where(self, lines: Lines) -> tuple[tuple[int, int], ...]:
        found = self._places.get(lines)
        if found is None:
            on = self._on
            drifts = [balance.circuit for balance in self._balances.values() if balance.adrift in lines]
            places = [divmod(line, LIMITS) for line in lines if line // LIMITS in on]
            known = [place for place in places if place[1] < WIRES and place[0] not in drifts]
            found = self._places[lines] = (*known, *[(circuit, ADRIFT) for circuit in drifts])
        return found

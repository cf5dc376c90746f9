"""What flows on circuits with a limit of imbalance besides the shares that are being planned (B-091)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from park.load.fair.balance import Balance
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import ZERO, add


def balances(state: CoordinatorState, fixed: Collection[Point], now: float) -> tuple[Balance, ...]:
    """`fixed`: charge points whose current a plan cannot change: it may be all they are counted with, or nothing."""
    return tuple(
        _balance(
            number, circuit, circuit.circuit.imbalance_ma, [point for point in circuit.points if point in fixed], now
        )
        for number, circuit in enumerate(state.circuits)
        if circuit.circuit.imbalance_ma is not None
    )


def _balance(number: int, circuit: CircuitState, limit_ma: int, fixed: Sequence[Point], now: float) -> Balance:
    most = least = circuit.external.planned.held_ma if circuit.circuit.imbalance_counts_external else ZERO
    for point in fixed:
        most = add(most, point.committed_ma(now))
        least = add(least, point.surely_ma(now))
    return Balance(number, limit_ma, most, least)

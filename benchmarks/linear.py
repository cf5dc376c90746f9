# pyright: basic, reportMissingTypeStubs=false, reportOptionalSubscript=false, reportArgumentType=false
# scipy has no types.
"""What linear programs (HiGHS) say of sharing current: slow, exact, and nothing of ours inside.

Powers and differences of phases are rows like the conductors. All currents in mA.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, hstack, vstack

from park.load.admission import Request
from park.load.circuit import LIMITS
from park.load.fair.balance import Balance

AMPERE = 1000.0  # solved in amperes: HiGHS takes tolerances of 1e-7 of its numbers
PRICED = 1e-7
PAIRS = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))


class Program:
    """The rows of one park: A x ≤ b, x in amperes of each request."""

    def __init__(self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance]) -> None:
        self.minimum = np.array([request.minimum_ma for request in requests]) / AMPERE
        self.maximum = np.array([request.maximum_ma for request in requests]) / AMPERE
        self.weight = np.array([request.weight for request in requests], float)
        self.priority = np.array([request.priority for request in requests])
        dense = np.zeros((len(room), len(requests)))
        for number, request in enumerate(requests):
            phases = len({line % LIMITS for line in request.lines} - {LIMITS - 1})
            for line in request.lines:
                dense[line, number] = phases if line % LIMITS == LIMITS - 1 else 1
        self.phases = np.array([len({line % LIMITS for line in request.lines} - {LIMITS - 1}) for request in requests])
        adrift = np.array([request.adrift for request in requests], float)
        differences = [
            dense[balance.circuit * LIMITS + over] * (1 + adrift) - dense[balance.circuit * LIMITS + under]
            for balance in balances
            for over, under in PAIRS
        ]
        limits = [
            balance.limit_ma - balance.most_ma[over] + balance.least_ma[under]
            for balance in balances
            for over, under in PAIRS
        ]
        rows = np.vstack([dense, *differences])
        free = np.array([*room, *limits], float)
        used = np.any(rows != 0, axis=1)
        self.rows = csr_matrix(rows[used])
        self.free = free[used] / AMPERE

    def over(self, currents_ma: Sequence[int]) -> float:
        """By how many mA these exceed any limit; 0 or less: none."""
        return float((self.rows @ (np.array(currents_ma) / AMPERE) - self.free).max()) * AMPERE

    def fair(self) -> np.ndarray:
        """Lexicographic max-min of x / weight, the higher classes first: mA of each request, all being admitted."""
        low, high = self.minimum.copy(), self.maximum.copy()
        for priority in sorted(set(self.priority), reverse=True):
            rises = (self.priority == priority) & (high > low)
            while rises.any():
                level, stopped = self._stage(low, high, np.flatnonzero(rises))
                low[rises] = np.maximum(low[rises], self.weight[rises] * level)
                high[stopped] = low[stopped]
                rises[stopped] = False
        return low * AMPERE

    def _stage(self, low: np.ndarray, high: np.ndarray, rising: np.ndarray) -> tuple[float, np.ndarray]:
        """The highest common level, and whom it stops: those who have a price on "at least the level"."""
        count = len(low)
        ones = csr_matrix((-np.ones(len(rising)), (range(len(rising)), rising)), shape=(len(rising), count))
        least = hstack([ones, csr_matrix(self.weight[rising][:, None])])
        rows = vstack([hstack([self.rows, csr_matrix((self.rows.shape[0], 1))]), least])
        target = np.concatenate([self.free, np.zeros(len(rising))])
        cost = np.zeros(count + 1)
        cost[count] = -1.0
        bounds = [*zip(low, np.maximum(low, high), strict=True), (None, None)]
        found = linprog(cost, rows.tocsr(), target, bounds=bounds, method="highs")
        if found.status != 0:
            raise ArithmeticError(found.message)
        return found.x[count], rising[-found.ineqlin.marginals[self.rows.shape[0] :] > PRICED]

    def most(self) -> np.ndarray:
        """The most phase-amperes that can be delivered to all of them, without fairness: mA of each request."""
        bounds = np.column_stack([self.minimum, self.maximum])
        found = linprog(-self.phases, self.rows, self.free, bounds=bounds, method="highs")
        if found.status != 0:
            raise ArithmeticError(found.message)
        return found.x * AMPERE

    def admitted(self) -> int:
        """How many can have at least their minimum at once, whoever it is (currents and choices: a mixed program)."""
        count = len(self.minimum)
        able = (self.maximum >= self.minimum).astype(float)
        one, none = np.eye(count), np.zeros((self.rows.shape[0], count))
        found = milp(
            np.concatenate([np.zeros(count), -np.ones(count)]),
            constraints=[
                LinearConstraint(np.hstack([self.rows.toarray(), none]), ub=self.free),
                LinearConstraint(np.hstack([one, -np.diag(self.minimum)]), lb=0),
                LinearConstraint(np.hstack([one, -np.diag(self.maximum)]), ub=0),
            ],
            bounds=Bounds(0, np.concatenate([self.maximum, able])),
            integrality=np.concatenate([np.zeros(count), np.ones(count)]),
        )
        if found.status != 0:
            raise ArithmeticError(found.message)
        return round(-found.fun)

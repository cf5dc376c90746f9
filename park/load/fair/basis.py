"""Which load keeps which full row full: the sparse inverse of full rows × helping loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Sparse: TypeAlias = dict[int, float]

NOTHING = 1e-9  # smaller coefficients and rates are rounding errors: true ones are small whole numbers and their ratios


class Basis:
    """`inverse[helper][row]`: what the helper gives up (mA) for one mA more on the row. As many helpers as rows.

    A is the matrix of coefficients (rows × loads), T the full rows, H the helpers; this is A[T, H]⁻¹.
    """

    __slots__ = ("inverse", "rows")

    def __init__(self) -> None:
        self.inverse: dict[int, Sparse] = {}
        self.rows: dict[int, None] = {}  # a set that keeps its order: the result must not depend on hashes

    def multipliers(self, coefficients: Mapping[int, float]) -> Sparse:
        """A[row, H] · A[T, H]⁻¹ of a row with these coefficients of the helpers, by full row."""
        found: Sparse = {}
        for helper, coefficient in coefficients.items():
            for row, entry in self.inverse[helper].items():
                found[row] = found.get(row, 0.0) + coefficient * entry
        return _cleaned(found)

    def answers(self, coefficients: Mapping[int, float]) -> Sparse:
        """A[T, H]⁻¹ · A[T, load] of a load with these coefficients on the full rows, by helper."""
        found: Sparse = {}
        for helper, line in self.inverse.items():
            total = 0.0
            for row, coefficient in coefficients.items():
                entry = line.get(row)
                if entry is not None:
                    total += entry * coefficient
            if abs(total) > NOTHING:
                found[helper] = total
        return found

    def grow(self, row: int, helper: int, weights: Sparse, answers: Sparse, pivot: float) -> None:
        """Take in a row and the helper that keeps it full.

        `weights`: multipliers of the row. `answers`: of the helper, `pivot`: its entry less weights · A[T, helper].
        """
        for other, answer in answers.items():
            line = self.inverse[other]
            for full, weight in weights.items():
                _put(line, full, line.get(full, 0.0) + answer * weight / pivot)
            line[row] = -answer / pivot
        self.inverse[helper] = {full: -weight / pivot for full, weight in weights.items()} | {row: 1.0 / pivot}
        self.rows[row] = None

    def replace_helper(self, old: int, new: int, answers: Sparse) -> None:
        """`new` keeps full what `old` kept. `answers`: of the new one."""
        pivot = answers[old]
        line = {row: entry / pivot for row, entry in self.inverse.pop(old).items()}
        for other, answer in answers.items():
            if other != old:
                _subtract(self.inverse[other], line, answer)
        self.inverse[new] = line

    def replace_row(self, old: int, new: int, weights: Sparse) -> None:
        """The helpers keep `new` full and let go of `old`. `weights`: multipliers of the new one."""
        pivot = weights[old]
        for line in self.inverse.values():
            entry = line.pop(old, None)
            if entry is None:
                continue
            share = entry / pivot
            for row, weight in weights.items():
                if row != old:
                    _put(line, row, line.get(row, 0.0) - share * weight)
            line[new] = share
        del self.rows[old]
        self.rows[new] = None

    def shrink(self, helper: int, row: int) -> None:
        """Let go of a row, and of the helper that is not needed then."""
        gone = self.inverse.pop(helper)
        pivot = gone[row]
        for line in self.inverse.values():
            entry = line.get(row)
            if entry is not None:
                _subtract(line, gone, entry / pivot)
                line.pop(row, None)
        del self.rows[row]


def _put(line: Sparse, row: int, entry: float) -> None:
    if abs(entry) > NOTHING:
        line[row] = entry
    else:
        line.pop(row, None)


def _subtract(line: Sparse, other: Sparse, times: float) -> None:
    for row, entry in other.items():
        _put(line, row, line.get(row, 0.0) - times * entry)


def _cleaned(found: Sparse) -> Sparse:
    return {row: entry for row, entry in found.items() if abs(entry) > NOTHING}

"""Which load keeps which full row full: the sparse inverse of full rows × helping loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Sparse: TypeAlias = dict[int, float]

NOTHING = 1e-9  # smaller coefficients and rates are rounding errors: true ones are small whole numbers and their ratios


class Basis:
    """`inverse[reliever][row]`: what the reliever takes (mA) for one mA less on the row. As many relievers as rows.

    A is the matrix of coefficients (rows × loads), T the full rows, H the relievers; this is A[T, H]⁻¹.
    """

    __slots__ = ("columns", "inverse")

    def __init__(self) -> None:
        self.inverse: dict[int, Sparse] = {}
        self.columns: dict[int, Sparse] = {}  # the same by row; both keep their order, and never depend on hashes

    @property
    def rows(self) -> Mapping[int, Sparse]:
        return self.columns

    def multipliers(self, coefficients: Mapping[int, float]) -> Sparse:
        """A[row, H] · A[T, H]⁻¹ of a row with these coefficients of the relievers, by full row."""
        return _combined(self.inverse, coefficients)

    def answers(self, coefficients: Mapping[int, float]) -> Sparse:
        """A[T, H]⁻¹ · A[T, load] of a load with these coefficients on the full rows, by reliever."""
        return _combined(self.columns, coefficients)

    def grow(self, row: int, reliever: int, weights: Sparse, answers: Sparse, pivot: float) -> None:
        """Take in a row and the reliever that keeps it full.

        `weights`: multipliers of the row, `answers`: of the reliever, `pivot`: its entry less weights · A[T, reliever].
        """
        self.inverse[reliever], self.columns[row] = {}, {}
        columns = self.columns
        for other, answer in answers.items():
            line = self.inverse[other]
            for full, weight in weights.items():
                entry = line.get(full, 0.0) + answer * weight / pivot
                if entry > NOTHING or entry < -NOTHING:
                    line[full] = columns[full][other] = entry
                elif full in line:
                    del line[full], columns[full][other]
            self._put(other, row, -answer / pivot)
        for full, weight in weights.items():
            self._put(reliever, full, -weight / pivot)
        self._put(reliever, row, 1.0 / pivot)

    def replace_reliever(self, old: int, new: int, answers: Sparse) -> None:
        """`new` keeps full what `old` kept. `answers`: of the new one."""
        pivot = answers[old]
        line = {row: entry / pivot for row, entry in self._without_reliever(old).items()}
        for other, answer in answers.items():
            if other != old:
                self._subtract(other, line, answer)
        line = self.inverse[new] = {row: entry for row, entry in line.items() if entry > NOTHING or entry < -NOTHING}
        columns = self.columns
        for row, entry in line.items():
            columns[row][new] = entry

    def replace_row(self, old: int, new: int, weights: Sparse) -> None:
        """The relievers keep `new` full and let go of `old`. `weights`: multipliers of the new one."""
        pivot = weights[old]
        column = self._without_row(old)
        self.columns[new] = {}
        for reliever, entry in column.items():
            line, share = self.inverse[reliever], entry / pivot
            for row, weight in weights.items():
                if row != old:
                    self._put(reliever, row, line.get(row, 0.0) - share * weight)
            self._put(reliever, new, share)

    def shrink(self, reliever: int, row: int) -> None:
        """Let go of a row, and of the reliever that is not needed then."""
        gone = self._without_reliever(reliever)
        pivot = gone.pop(row)
        for other, entry in self._without_row(row).items():
            self._subtract(other, gone, entry / pivot)

    def _put(self, reliever: int, row: int, entry: float) -> None:
        if abs(entry) > NOTHING:
            self.inverse[reliever][row] = self.columns[row][reliever] = entry
        else:
            self.inverse[reliever].pop(row, None)
            self.columns[row].pop(reliever, None)

    def _subtract(self, reliever: int, other: Sparse, times: float) -> None:
        line, columns = self.inverse[reliever], self.columns
        for row, entry in other.items():
            left = line.get(row, 0.0) - times * entry
            if left > NOTHING or left < -NOTHING:
                line[row] = columns[row][reliever] = left
            elif row in line:
                del line[row], columns[row][reliever]

    def _without_reliever(self, reliever: int) -> Sparse:
        line = self.inverse.pop(reliever)
        for row in line:
            del self.columns[row][reliever]
        return line

    def _without_row(self, row: int) -> Sparse:
        column = self.columns.pop(row)
        for reliever in column:
            del self.inverse[reliever][row]
        return column


def _combined(lines: Mapping[int, Sparse], factors: Mapping[int, float]) -> Sparse:
    found: Sparse = {}
    for key, factor in factors.items():
        for other, entry in lines[key].items():
            found[other] = found.get(other, 0.0) + factor * entry
    return {other: entry for other, entry in found.items() if abs(entry) > NOTHING}

"""Tables as they stand in docs/benchmarks.md, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One part of the run. The first column names the line, figures are right-aligned."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __str__(self) -> str:
        widths = [max(len(line[place]) for line in (self.columns, *self.rows)) for place in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [_line(self.columns, widths), _line(rule, widths), *(_line(row, widths) for row in self.rows)]
        return "\n".join((f"### {self.title}", "", *lines, *(("", self.note) if self.note else ())))


def ratio(value: float, reference: float, digits: int = 2) -> str:
    """`value` in multiples of the reference of the same run."""
    return f"{value / reference:,.{digits}f}"


def machine() -> str:
    """What the figures depend on, without a date or a name: cores, system, Python, and how busy it is right now."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; load average {load}"


def _line(cells: list[str] | tuple[str, ...], widths: list[int]) -> str:
    first, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join((first, *others)) + " |"

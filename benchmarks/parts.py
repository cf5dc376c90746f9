"""The parts of a run, in the order they are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from benchmarks import (
    actors,
    exactness,
    exchange,
    grants,
    memory,
    outage,
    page,
    planning,
    robin,
    setpoint,
    sharing,
    simulation,
    store,
    validation,
)
from benchmarks.table import Table


class Report(Protocol):
    """Measures one part; `quick` in tiny sizes, only to show that it works."""

    def __call__(self, *, quick: bool) -> Table: ...


PARTS: Mapping[str, Report] = {
    "actors": actors.report,
    "setpoint": setpoint.report,
    "exchange": exchange.report,
    "grants": grants.report,
    "memory": memory.report,
    "store": store.report,
    "validation": validation.report,
    "outage": outage.report,
    "page": page.report,
    "simulation": simulation.report,
    "sharing": sharing.report,
    "planning": planning.report,
    "exactness": exactness.report,
    "robin": robin.report,
}
ONLY_BY_NAME = frozenset({"exactness", "robin"})
"""The one measures no speed, and takes half an hour; the other needs what `make bench-others` installs."""

"""What one feature adds to the central system: calls it answers, rows it loads, what it does as time passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from park.model.storage import Row
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.link import BackendCalled
from park.ocpp.state import CentralSystem

Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]
Handler: TypeAlias = Callable[[CentralSystem, BackendCalled, Now], Turn]


class Feature(Struct, frozen=True):
    """`handlers`: by action of the backend; each CALL gets exactly one answer, at once or later.

    `tables` are read at start and given to `load`, with the rows of everybody else. `settle` runs after every event but
    a reading, once the rows are there; `deadline` is the mono time at which it has something to do by itself. `repeat`:
    what a charge point that began anew has to hear.
    """

    handlers: Mapping[str, Handler]
    tables: tuple[str, ...] = ()
    load: Callable[[CentralSystem, tuple[Row, ...], Now], Turn] | None = None
    settle: Callable[[CentralSystem, Now], Turn] | None = None
    deadline: Callable[[CentralSystem], float | None] | None = None
    repeat: Callable[[CentralSystem, str], tuple[CentralSystemEffect, ...]] | None = None

"""How many of its phases a vehicle uses, learned from the charge point's own meter (safety §1).

Only less is learned, and slowly; what appears counts at once. It is no guarantee: the pilot cannot keep a vehicle off a
phase. What a grant does not cover is not offered (`covered`), and a vehicle that begins on another phase is told.
"""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from park.charging.settings import ChargePointSettings
from park.model.electric import PerPhase
from park.model.grant import Grant

LEARN_SECONDS = 60.0  # safety §1: so long in state C, with at least the minimum on another phase …
UNUSED_MA = 1_000  # … and less than this on it
ALL = 0


class PhasesInUse(Struct, frozen=True):
    """`learned`: the vehicle uses the first so many phases of its connector; `ALL`: nothing is known.

    `seen`: so many were loaded at each reading since `since` (mono).
    """

    learned: int = ALL
    seen: int = ALL
    since: float = math.inf


UNKNOWN = PhasesInUse()


def read(use: PhasesInUse, currents_ma: PerPhase, settings: ChargePointSettings, mono: float) -> PhasesInUse:
    """A fresh reading in state C with the contactor closed; currents on grid phases, mA, exports negative."""
    if settings.phases == 1:
        return use
    loaded = _loaded(currents_ma, settings)
    if use.learned != ALL and loaded > use.learned:
        return PhasesInUse(seen=loaded, since=mono)
    if max(currents_ma) < settings.minimum_ma:
        return use if use.seen == ALL else replace(use, seen=ALL, since=math.inf)
    if loaded != use.seen:
        return replace(use, seen=loaded, since=mono)
    if use.seen != use.learned and use.seen < settings.phases and mono >= use.since + LEARN_SECONDS:
        return replace(use, learned=use.seen)
    return use


def count(use: PhasesInUse, settings: ChargePointSettings) -> int:
    """Phases to count the vehicle on."""
    return settings.phases if use.learned == ALL else use.learned


def covered(use: PhasesInUse, grant: Grant, settings: ChargePointSettings) -> bool:
    """The grant is for all grid phases the vehicle may load."""
    return not grant.phases or set(settings.wiring.grid_phases(count(use, settings))) <= set(grant.phases)


def _loaded(currents_ma: PerPhase, settings: ChargePointSettings) -> int:
    """The fewest phases of the connector that hold all that is loaded; where the wiring is unknown, their number."""
    carrying = {phase for phase, current in enumerate(currents_ma, start=1) if abs(current) >= UNUSED_MA}
    known = [settings.wiring.grid_phases(used) for used in (1, 2, 3)]
    if known[0] == known[2]:
        return max(1, len(carrying))
    return next(used for used, phases in enumerate(known, start=1) if carrying <= set(phases))

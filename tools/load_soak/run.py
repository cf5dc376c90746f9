"""One run of the soak: a park from its seed, mischief, and a rest at the end in which shares must settle."""

from __future__ import annotations

import time
from random import Random

from park.load.invariants import Violation
from park.load.unused import SETTLE_SECONDS as UNUSED_SECONDS
from tools.load_soak.figures import Figures
from tools.load_soak.mischief import FAULT_LASTS, Mischief
from tools.load_soak.trees import DEEP, SMALL, Kind, draw
from tools.load_soak.world import TreeBoards

DEEP_RUNS = (2, 6)  # of so many seeds in a row so many are deep
SETTLE_SECONDS = 30.0  # S10: after the last disturbance
LOOK_SECONDS = 30.0
# Faults end, shares settle and are looked at, it is known who draws less than it may, and targets are looked at.
REST_SECONDS = FAULT_LASTS[1] + SETTLE_SECONDS + UNUSED_SECONDS + LOOK_SECONDS
DEEP_FROM = 3  # levels


def kind_of(seed: int) -> Kind:
    deep, of = DEEP_RUNS
    return DEEP if seed % of < deep else SMALL


def run(seed: int, seconds: float) -> tuple[Figures, tuple[Violation, ...]]:
    """What one seed gives: always the same."""
    kind = kind_of(seed)
    park = draw(Random(seed), kind)
    figures = Figures(runs=1, points=len(park.placements), circuits=len(park.circuits), deepest=park.depth)
    world = TreeBoards(park, seed, figures)
    mischief = Mischief(world, park, seed)
    began = time.process_time()
    world.run(max(0.0, seconds - REST_SECONDS))
    mischief.rest()
    if all(placement.meter for placement in park.placements):  # else their draw counts as foreign load too
        world.calm_from = world.now + FAULT_LASTS[1] + SETTLE_SECONDS
        world.still_from = world.calm_from + UNUSED_SECONDS
    world.run(REST_SECONDS)
    world.ended()
    figures.seconds = world.now
    figures.real_seconds = time.process_time() - began
    figures.deep_seconds = world.now if park.depth >= DEEP_FROM and kind is DEEP else 0.0
    figures.broken.update(violation.invariant for violation in world.violations)
    if world.violations:
        figures.failed.append(seed)
    return figures, tuple(world.violations)

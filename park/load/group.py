"""A group: all charge points below one circuit, led by a board of their own, as the coordinator above sees it (B-084).

To that coordinator it is one load on each grid phase, with a grant of its own on each: a budget, leased as the current
of a charge point is. What is below the circuit is known there by its sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from park.load.circuit import Circuit, Placement
from park.model.electric import MINIMUM_CURRENT_MA, PHASE_NAMES, PerPhase, Wiring, add, on_phases

WIRINGS = (Wiring.RST, Wiring.STR, Wiring.TRS)  # of a load on one phase: the first letter is its grid phase


class GroupPlacement(Struct, frozen=True):
    """Where a group hangs in the park above. Currents in mA on L1, L2, L3.

    `name`: NODE/GROUP. `fallback_ma`: what the group falls to without a budget, after a boot too (B-084).
    `maximum_ma`: design current of its circuit. `weight`: of one charge point each, so as many as the group has.
    `metered`: its circuit has a meter.
    """

    name: str
    circuit: str
    fallback_ma: PerPhase
    maximum_ma: PerPhase
    priority: int = 0
    weight: int = 1
    metered: bool = True

    @property
    def node(self) -> str:
        return self.name.partition("/")[0]


class GroupSettings(Struct, frozen=True):
    """What the board that leads a group knows of the park above.

    `name`: NODE/GROUP. `boot_id`: of this board's clock; budgets stamped with another are refused.
    `fallback_ma`: highest fallback, mA per phase. `counted_ma`: what the park above counts for it since it was placed
    there; nothing before. What holds without a budget is the lower of both.
    """

    name: str
    boot_id: str
    fallback_ma: PerPhase
    counted_ma: PerPhase = (0, 0, 0)

    @property
    def node(self) -> str:
        return self.name.partition("/")[0]


def load_on(group: str, phase: int) -> str:
    """What the load of a group on a phase (0, 1, 2) is called in the park above, among its charge points."""
    return f"{group}.{PHASE_NAMES[phase]}"


def meter_of(load: str) -> str:
    """How the park above calls what measures it."""
    return f"{load}/meter"


def loads(group: GroupPlacement) -> tuple[Placement, ...]:
    """The group as loads of the park above; none on a phase where its circuit cannot carry a vehicle's minimum."""
    return tuple(
        _load(group, phase) for phase in range(len(PHASE_NAMES)) if group.maximum_ma[phase] >= MINIMUM_CURRENT_MA
    )


def _load(group: GroupPlacement, phase: int) -> Placement:
    name = load_on(group.name, phase)
    return Placement(
        charge_point=name,
        node=group.node,
        circuit=group.circuit,
        wiring=WIRINGS[phase],
        phases=1,
        maximum_ma=group.maximum_ma[phase],
        fallback_ma=group.fallback_ma[phase],
        boot_ma=group.fallback_ma[phase],
        priority=group.priority,
        weight=group.weight,
        meter=meter_of(name) if group.metered else None,
        reports_most=True,
    )


def group_refusals(
    circuits: Sequence[Circuit], placements: Sequence[Placement], fallback_ma: PerPhase
) -> tuple[str, ...]:
    """Why a board must not lead these as a group with this fallback, where all else is fine; empty: it may.

    Without a budget every charge point is at its lapse or boot current, and the foreign load goes on.
    """
    found = [
        f"charge point {each.charge_point}: its driver has no deadman, and nothing ends its current when the budget "
        "of the group ends; lead it from the park above, or give it electronics with a deadman"
        for each in placements
        if not each.has_deadman
    ]
    root = next(each for each in circuits if each.parent is None)
    least = root.external_fallback_ma
    for each in placements:
        least = add(least, on_phases(max(each.fallback_ma, each.boot_ma), each.grid_phases(each.phases)))
    for phase, name in enumerate(PHASE_NAMES):
        if least[phase] > fallback_ma[phase]:
            found.append(
                f"circuit {root.name} {name}: lapse and boot currents + external fallback are {least[phase] / 1000:g} "
                f"A, above the {fallback_ma[phase] / 1000:g} A of the group's fallback; lower them or raise it here "
                "and in the park above"
            )
        if fallback_ma[phase] > root.limit_ma[phase]:
            found.append(
                f"circuit {root.name} {name}: the group's fallback {fallback_ma[phase] / 1000:g} A is above the limit "
                f"{root.limit_ma[phase] / 1000:g} A; lower it"
            )
    return tuple(found)

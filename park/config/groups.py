"""Groups: charge points led by a board of their own that shares a connection with the park above (decision 0015)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from park.config.board import JoinSection
from park.config.electrical import Load
from park.config.findings import Finding, nearest
from park.config.quantities import About, Name, Section, milliamperes
from park.load.circuit import Circuit, Placement
from park.load.group import GroupPlacement, group_refusals, loads
from park.model.electric import MINIMUM_CURRENT_MA, PHASE_NAMES, PerPhase
from park.model.placement import NO_CONNECTOR, Placed


def _of_a_board(text: str) -> str:
    node, separator, circuit = text.partition("/")
    if not separator or not node or not circuit or "/" in circuit:
        raise ValueError(f"{text!r} names no group; write NODE/CIRCUIT: its leading board, and its topmost circuit")
    return text


class AboveSection(JoinSection):
    """The park above: this park is a group there, and what it may take of a shared connection is leased from it.

    The node joins that park as a board of it; the keys it has there lie in `above/` of its data directory.
    """

    fallback_amps: Annotated[
        tuple[Load, Load, Load],
        Field(strict=False),
        About(
            "What L1, L2 and L3 of the topmost circuit fall to while nothing is heard of the park above; it takes the "
            "lower of this and what is counted for it there.",
            "A",
            "B-084",
        ),
    ]


class GroupSection(Section):
    """A group in this park: a circuit led by a board of its own, known here by its sums alone; on a server."""

    name: Annotated[
        str, AfterValidator(_of_a_board), About("NODE/CIRCUIT: the board that leads it, and its topmost circuit there.")
    ]
    circuit: Annotated[Name, About("Circuit that feeds it here.")]
    max_amps: Annotated[
        tuple[Load, Load, Load],
        Field(strict=False),
        About("Design current of L1, L2 and L3 of its feed; below 6 it gets nothing on that phase.", "A"),
    ]
    fallback_amps: Annotated[
        tuple[Load, Load, Load],
        Field(strict=False),
        About("Counted for it at any time, and what it falls to without this park.", "A", "B-084"),
    ]
    priority: Annotated[int, Field(ge=0, le=9), About("Higher classes are served first.")] = 0
    weight: Annotated[
        int, Field(ge=1, le=10_000), About("Share within its class; fair is the number of its charge points.")
    ] = 1
    metered: Annotated[bool, About("Its topmost circuit has a meter in line.")] = True


def placed_group(section: GroupSection) -> GroupPlacement:
    return GroupPlacement(
        name=section.name,
        circuit=section.circuit,
        fallback_ma=_per_phase(section.fallback_amps),
        maximum_ma=_per_phase(section.max_amps),
        priority=section.priority,
        weight=section.weight,
        metered=section.metered,
    )


def led_group(node: str, above: AboveSection, root: Circuit) -> GroupPlacement:
    """The group as the board that leads it knows it: where it hangs is for the park above to say."""
    return GroupPlacement(
        name=f"{node}/{root.name}",
        circuit="",
        fallback_ma=_per_phase(above.fallback_amps),
        maximum_ma=root.limit_ma,
        metered=root.meter is not None and root.meter_sees_charging,
    )


def placed_at(placement: Placement, connector: int) -> Placed:
    """What the server tells the board of where it counts a charge point, or a load of a group."""
    return Placed(
        charge_point=placement.charge_point,
        connector=connector,
        circuit=placement.circuit,
        wiring=placement.wiring.value,
        phases=placement.phases,
        minimum_ma=placement.minimum_ma,
        maximum_ma=placement.maximum_ma,
        fallback_ma=placement.fallback_ma,
        boot_ma=placement.boot_ma,
    )


def placed_loads(group: GroupPlacement) -> dict[str, Placed]:
    """What the park above places on the board that leads the group, by load."""
    return {each.charge_point: placed_at(each, NO_CONNECTOR) for each in loads(group)}


def refused_as_group(
    above: AboveSection | None, circuits: tuple[Circuit, ...], placements: tuple[Placement, ...]
) -> tuple[str, ...]:
    """Why this park must not be a group, where all else is fine."""
    return () if above is None else group_refusals(circuits, placements, _per_phase(above.fallback_amps))


def grouping(
    node: str,
    park: str | None,
    above: AboveSection | None,
    groups: tuple[GroupSection, ...],
    circuits: set[str],
    boards: set[str],
    *,
    discovery: bool,
) -> Iterator[Finding]:
    """What is wrong between the keys. `boards`: nodes that have placements."""
    counts = Counter(each.name for each in groups)
    leaders = Counter(each.name.partition("/")[0] for each in groups)
    for n, each in enumerate(groups):
        leader = each.name.partition("/")[0]
        if counts[each.name] > 1:
            yield Finding(("group", n, "name"), f"{each.name!r} is the name of {counts[each.name]} tables", "keep one")
        elif leaders[leader] > 1:
            remedy = "a board leads one park: give each group its own board"
            yield Finding(("group", n, "name"), f"board {leader} leads {leaders[leader]} groups", remedy)
        if leader in boards | {node}:
            remedy = "its charge points are the group's own: remove their [[placement]], or the group"
            yield Finding(("group", n, "name"), f"board {leader} belongs to this park itself", remedy)
        if each.circuit not in circuits:
            reason = f"there is no circuit {each.circuit!r}"
            yield Finding(("group", n, "circuit"), reason, nearest(each.circuit, circuits))
        yield from _amounts(("group", n), each)
    if above is not None:
        if above.park == park:
            yield Finding(("above", "park"), f"{park!r} is this park itself", "name the park above")
        if not above.address and not discovery:
            remedy = "give HOST:PORT or set discovery.enabled"
            yield Finding(("above", "address"), "is empty, and discovery is off", remedy)


def _amounts(place: tuple[str, int], group: GroupSection) -> Iterator[Finding]:
    for phase, name in enumerate(PHASE_NAMES):
        most, fallback = group.max_amps[phase], group.fallback_amps[phase]
        if fallback > most:
            reason = f"{fallback:g} A on {name} is above max_amps there, {most:g} A"
            yield Finding((*place, "fallback_amps"), reason, "lower it, or raise max_amps")
        elif fallback and milliamperes(most) < MINIMUM_CURRENT_MA:
            reason = f"{fallback:g} A on {name}, where the group gets nothing: max_amps is below 6 A"
            yield Finding((*place, "fallback_amps"), reason, "set it to 0 there, or raise max_amps")


def _per_phase(amps: tuple[float, float, float]) -> PerPhase:
    one, two, three = [milliamperes(each) for each in amps]
    return (one, two, three)

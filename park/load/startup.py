"""What a park must satisfy before anything may charge in it, and what its operator should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from park.load.circuit import Circuit, Network, Placement, as_sum_ma, path_to_root
from park.load.invariants import BOUND_SECONDS, STEP_SECONDS, Cause
from park.load.lease import REACTION_SECONDS, lease_and_guard
from park.model.electric import (
    HIGHEST_VOLTAGE_MV,
    MINIMUM_CURRENT_MA,
    PHASE_NAMES,
    PerPhase,
    Wiring,
    add,
    lowest,
    on_phases,
)

FUSES_MA = frozenset(
    amps * 1000
    for amps in (6, 10, 13, 16, 20, 25, 32, 35, 40, 50, 63, 80, 100, 125, 160, 200, 224, 250, 315, 355, 400, 500, 630)
)  # rated currents of IEC 60898-1 breakers and IEC 60269 fuse links
WEIGHTS = range(1, 101)
EXPIRED = "(expired_limit_amps) lapse (fallback) currents"


def refusals(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> tuple[str, ...]:
    """Why this park must not start, each a sentence with what to do; empty: it may."""
    shape = _tree(circuits) + _places(circuits, placements)
    if shape:
        return tuple(shape)
    found = [text for circuit in circuits for text in _circuit(circuit)]
    found += [text for placement in placements for text in _placement(placement)]
    return (*found, *excesses(circuits, placements))


def excesses(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> tuple[str, ...]:
    """Where lapse or boot currents do not fit, in a tree and with placements that are otherwise fine."""
    found: list[str] = []
    network = Network(circuits)
    for circuit in circuits:
        below = network.below(circuit.name, placements)
        found += _over(circuit, _sum(below, lambda placement: placement.boot_ma), "boot currents", circuit.headroom_ma)
        lapses = _sum(below, lambda placement: placement.fallback_ma)
        found += _over(circuit, lapses, "lapse (fallback) currents", 0)
        if circuit.expired_limit_ma is not None:  # safety §3: Σ lapse also within every failsafe limit
            failsafe = replace(circuit, limit_ma=lowest(circuit.limit_ma, circuit.expired_limit_ma))
            found += [] if _over(circuit, lapses, "", 0) else _over(failsafe, lapses, EXPIRED, 0)
    return tuple(found)


def warnings(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> tuple[str, ...]:
    """What works but will surprise, each a sentence with what to do."""
    found: list[str] = []
    for circuit in circuits:
        rated = sorted({limit // 1000 for limit in circuit.limit_ma if limit in FUSES_MA})
        if rated and not circuit.headroom_ma:
            sizes = ", ".join(f"{size} A" for size in rated)
            found.append(
                f"circuit {circuit.name}: the limit equals a nominal fuse size ({sizes}) and headroom is 0; "
                "limits are design currents: set them below the fuse, or set headroom_amps"
            )
    found += _unbalanced(circuits, placements)
    found += _taking_turns(circuits, placements)
    for placement in placements:
        name = placement.charge_point
        if not placement.has_deadman:
            found.append(
                f"charge point {name}: its driver has no deadman; a silent board counts with the largest "
                "current it may have signalled until it reports again"
            )
        if placement.meter is None:
            found.append(
                f"charge point {name}: no meter of its own; what it draws counts as foreign load on a circuit whose "
                "meter sees charging, and an overdraw is not noticed"
            )
    return tuple(found)


def _unbalanced(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> list[str]:
    network = Network(circuits)
    limited = [circuit.name for circuit in circuits if circuit.imbalance_ma is not None]
    return [
        f"charge point {placement.charge_point}: its wiring is unknown, so a vehicle on one or two phases counts on "
        f"the fullest phase of circuit {name}, and others have less; state its wiring"
        for name in limited
        for placement in network.below(name, placements)
        if placement.wiring is Wiring.UNKNOWN
    ]


def _taking_turns(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> list[str]:
    """B-160: a minimum that is not below half of what a circuit with others gives; its narrowest one is named."""
    network = Network(circuits)
    narrowest: dict[str, tuple[int, Circuit]] = {}
    for circuit in circuits:
        below = network.below(circuit.name, placements)
        left_ma = min(circuit.limit_ma) - circuit.headroom_ma
        for placement in (each for each in below if _has_company(each, below)):
            known = narrowest.get(placement.charge_point)
            if placement.minimum_ma * 2 >= left_ma and (known is None or left_ma < known[0]):
                narrowest[placement.charge_point] = (left_ma, circuit)
    minima = {placement.charge_point: placement.minimum_ma for placement in placements}
    return [
        f"charge point {name}: its minimum of {minima[name] / 1000:g} A is not below half of the {left_ma / 1000:g} A "
        f"that circuit {circuit.name} gives: while it charges others there may have to wait for their turn; lower "
        "min_amps"
        for name, (left_ma, circuit) in narrowest.items()
    ]


def _has_company(placement: Placement, below: Sequence[Placement]) -> bool:
    """Whether another point may load one of its phases."""
    phases = set(placement.wiring.grid_phases(placement.phases))
    others = (each for each in below if each is not placement)
    return any(phases.intersection(each.wiring.grid_phases(each.phases)) for each in others)


def reaction_bounds(
    *, interval_seconds: float, lease_seconds: float, meter_period_seconds: float, meter_stale_seconds: float
) -> tuple[str, ...]:
    """How long an actual current above a limit lasts at most with these settings, as `check` prints it (S3)."""
    reading = 2 * meter_period_seconds  # until two readings agree that the load is foreign
    cut_off = lease_and_guard(lease_seconds) + REACTION_SECONDS
    rows = (
        ("load or limit step", reading + REACTION_SECONDS, STEP_SECONDS),
        ("server, client or link lost", max(cut_off, interval_seconds), BOUND_SECONDS[Cause.LINK_LOST]),
        ("circuit meter lost", meter_stale_seconds + REACTION_SECONDS, BOUND_SECONDS[Cause.METER_LOST]),
        ("coordinator restart", cut_off, BOUND_SECONDS[Cause.RESTART]),
    )
    return tuple(
        f"{name}: {seconds:.1f} s"
        + ("" if seconds <= bound + 1.0 else f" (slower than the {bound:.0f} s of the defaults)")
        for name, seconds, bound in rows
    )


def _tree(circuits: Sequence[Circuit]) -> list[str]:
    found: list[str] = []
    if not circuits:
        return ["no circuit: at least the grid connection must be described ([[circuit]])"]
    for name, count in sorted(Counter(circuit.name for circuit in circuits).items()):
        if count > 1:
            above = sorted({str(circuit.parent) for circuit in circuits if circuit.name == name})
            found.append(
                f"circuit {name}: described {count} times, with parents {', '.join(above)}; a circuit has one parent"
            )
    parents = {circuit.name: circuit.parent for circuit in circuits}
    for name, parent in sorted(parents.items()):
        if parent is not None and parent not in parents:
            found.append(f"circuit {name}: its parent {parent} does not exist; known: {', '.join(sorted(parents))}")
        elif parent is not None and parents[path_to_root(name, parents)[-1]] in parents:
            found.append(
                f"circuit {name}: its parents form a cycle; one circuit must have no parent: the grid connection"
            )
    roots = sorted(name for name, parent in parents.items() if parent is None)
    if len(roots) > 1:
        found.append(f"circuits {', '.join(roots)}: more than one without a parent; exactly one is the grid connection")
    return found


def _places(circuits: Sequence[Circuit], placements: Sequence[Placement]) -> list[str]:
    names = {circuit.name for circuit in circuits}
    found = [
        f"charge point {placement.charge_point}: circuit {placement.circuit} does not exist; "
        f"known: {', '.join(sorted(names))}"
        for placement in placements
        if placement.circuit not in names
    ]
    for name, count in sorted(Counter(placement.charge_point for placement in placements).items()):
        if count > 1:
            found.append(f"charge point {name}: placed {count} times; it hangs on one circuit")
    meters = Counter(owner.meter for owner in (*circuits, *placements) if owner.meter is not None)
    for meter, count in sorted(meters.items()):
        if count > 1:
            found.append(f"meter {meter}: named by {count} circuits or charge points; a meter measures one of them")
    return found


def _circuit(circuit: Circuit) -> list[str]:
    name = f"circuit {circuit.name}"
    found: list[str] = []
    if min(circuit.limit_ma) < 0 or max(circuit.limit_ma) == 0:
        found.append(f"{name}: its limit must be positive")
    if circuit.limit_watts is not None and circuit.limit_watts <= 0:
        found.append(f"{name}: its limit in watts must be positive; leave it away where there is none")
    if circuit.imbalance_ma is not None and circuit.imbalance_ma < 0:
        found.append(f"{name}: the difference allowed between phases must not be negative")
    if circuit.headroom_ma < 0 or min(circuit.external_fallback_ma) < 0 or circuit.external_window_seconds < 0:
        found.append(f"{name}: headroom, external fallback and averaging window must not be negative")
    if circuit.meter_period_seconds <= 0 or circuit.meter_stale_seconds < circuit.meter_period_seconds:
        found.append(f"{name}: its meter must be polled faster than it becomes stale")
    return found


def _placement(placement: Placement) -> list[str]:
    name, smallest, largest = f"charge point {placement.charge_point}", placement.minimum_ma, placement.maximum_ma
    found: list[str] = []
    if not MINIMUM_CURRENT_MA <= smallest <= largest:
        found.append(f"{name}: minimum {_amps(smallest)} must be at least 6 A and at most the maximum {_amps(largest)}")
    for word, current in (("fallback", placement.fallback_ma), ("boot", placement.boot_ma)):
        if current and not smallest <= current <= largest:
            found.append(
                f"{name}: {word} current {_amps(current)} must be 0 or within {_amps(smallest)} to {_amps(largest)}"
            )
    if placement.phases not in {1, 2, 3}:
        found.append(f"{name}: phases must be 1, 2 or 3")
    if placement.weight not in WEIGHTS:
        found.append(f"{name}: weight must be within {WEIGHTS[0]} to {WEIGHTS[-1]}")
    if placement.resolution_ma < 1 or smallest % placement.resolution_ma:
        found.append(f"{name}: its minimum must be a multiple of the resolution {placement.resolution_ma} mA")
    return found


def _sum(placements: Sequence[Placement], current: Callable[[Placement], int]) -> PerPhase:
    total: PerPhase = (0, 0, 0)
    for placement in placements:
        total = add(total, on_phases(current(placement), placement.grid_phases(placement.phases)))
    return total


def _over(circuit: Circuit, currents: PerPhase, what: str, headroom_ma: int) -> list[str]:
    found: list[str] = []
    for phase, name in enumerate(PHASE_NAMES):
        fallback, limit = circuit.external_fallback_ma[phase], circuit.limit_ma[phase]
        missing = currents[phase] + fallback + headroom_ma - limit
        if missing > 0:
            headroom = f" + headroom {_amps(headroom_ma)}" if headroom_ma else ""
            found.append(
                f"circuit {circuit.name} {name}: {what} {_amps(currents[phase])} + external fallback {_amps(fallback)}"
                f"{headroom} exceed the limit {_amps(limit)} by {_amps(missing)}; lower them or raise the limit"
            )
    if circuit.limit_watts is not None:
        found += _over_power(circuit, circuit.limit_watts, sum(currents), what)
    return found


def _over_power(circuit: Circuit, limit_watts: int, sum_ma: int, what: str) -> list[str]:
    fallback = sum(circuit.external_fallback_ma)
    watts = -(-(sum_ma + fallback) * HIGHEST_VOLTAGE_MV // 1_000_000)
    if sum_ma + fallback <= as_sum_ma(limit_watts):
        return []
    sums = f"{what} {_amps(sum_ma)} + external fallback {_amps(fallback)} on the sum of the phases"
    power = f"{watts} W at {HIGHEST_VOLTAGE_MV // 1000} V, above limit_watts {limit_watts}"
    return [f"circuit {circuit.name}: {sums} are {power}; lower them or raise the limit"]


def _amps(current_ma: int) -> str:
    return f"{current_ma / 1000:g} A"

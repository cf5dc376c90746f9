"""Which meter sees the sun over a circuit, and whether charging by it can work."""

from __future__ import annotations

from collections.abc import Iterator

from park.config.electrical import CircuitSection
from park.config.findings import Finding, nearest
from park.config.node_config import NodeConfig
from park.config.quantities import milliamperes
from park.config.schema import Path
from park.config.solar import SolarSection
from park.load.circuit import path_to_root
from park.load.solar.settings import Solar
from park.model.solar import SolarMode


def suns(config: NodeConfig) -> tuple[Solar, ...]:
    """What the file says of the sun, with the meters it means."""
    return tuple(
        Solar(
            circuit=section.circuit,
            meter=section.meter or _meters(config, section)[-1],
            mode=SolarMode(section.mode),
            each_phase=section.counts == "each phase",
            grid_ma=milliamperes(section.grid_amps),
            average_seconds=section.average_seconds,
            start_seconds=section.start_seconds,
            stay_seconds=section.stay_seconds,
        )
        for section in config.solar
    )


def sunlight(config: NodeConfig) -> Iterator[Finding]:
    """What is wrong with it."""
    known, seen = {circuit.name for circuit in config.circuit}, set[str]()
    for n, section in enumerate(config.solar):
        path: Path = ("solar", n)
        if section.circuit not in known:
            yield Finding(
                (*path, "circuit"), f"there is no circuit {section.circuit!r}", nearest(section.circuit, known)
            )
            continue
        if section.circuit in seen:
            yield Finding((*path, "circuit"), f"{section.circuit!r} has two tables", "keep one of them")
        seen.add(section.circuit)
        yield from _metered(config, path, section)
    if config.solar:
        yield from _own_meters(config)


def _metered(config: NodeConfig, path: Path, section: SolarSection) -> Iterator[Finding]:
    meters = _meters(config, section)
    if not meters:
        reason = f"no circuit from {section.circuit!r} up to the grid has a meter in line"
        yield Finding((*path, "circuit"), reason, "give the grid connection a meter with meter_sees_charging")
    elif section.meter is not None and section.meter not in meters:
        reason = f"{section.meter!r} does not see the charge points of circuit {section.circuit!r}"
        yield Finding((*path, "meter"), reason, nearest(section.meter, meters))


def _own_meters(config: NodeConfig) -> Iterator[Finding]:
    """Without a meter of its own what a vehicle draws would look like a cloud: it would begin and pause for ever."""
    lit = {section.circuit for section in config.solar}
    parents = {circuit.name: circuit.parent for circuit in config.circuit}
    reason = "is missing, and charging by the sun needs it ([[solar]])"
    for n, point in enumerate(config.charge_point):
        if point.meter is None and not lit.isdisjoint(path_to_root(point.circuit or "", parents)):
            yield Finding(("charge_point", n, "meter"), reason, "give its own meter or feed it from another circuit")
    for n, placement in enumerate(config.placement):
        if not placement.metered and not lit.isdisjoint(path_to_root(placement.circuit, parents)):
            reason = "is false, and charging by the sun needs a meter ([[solar]])"
            yield Finding(("placement", n, "metered"), reason, "give it a meter or feed it from another circuit")


def _meters(config: NodeConfig, section: SolarSection) -> list[str]:
    """Meters in line from the circuit up to the grid."""
    circuits: dict[str, CircuitSection] = {circuit.name: circuit for circuit in config.circuit}
    path = path_to_root(section.circuit, {name: circuit.parent for name, circuit in circuits.items()})
    return [meter for name in path if (meter := circuits[name].meter) and circuits[name].meter_sees_charging]

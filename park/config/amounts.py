"""Whether the currents and times of a file fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from park.config.devices import ChargePointSection
from park.config.electrical import CircuitSection, PlacementSection
from park.config.findings import Finding
from park.config.node_config import NodeConfig
from park.config.schema import Path
from park.model.electric import PHASE_NAMES


def currents(config: NodeConfig) -> Iterator[Finding]:
    for n, point in enumerate(config.charge_point):
        yield from _bounds(("charge_point", n), point)
        if point.cable_amps is not None and point.outlet == "socket":
            remedy = 'remove it or set outlet = "cable"'
            yield Finding(("charge_point", n, "cable_amps"), "a socket has no cable of its own", remedy)
        if point.cable_amps is not None and point.cable_amps < point.min_amps:
            reason = f"is {point.cable_amps:g} A, below min_amps {point.min_amps:g} A"
            yield Finding(("charge_point", n, "cable_amps"), reason, "lower min_amps or correct the rating")
        if point.phase_switching:
            yield from _switching(("charge_point", n, "phase_switching"), point)
    for n, placement in enumerate(config.placement):
        yield from _bounds(("placement", n), placement)
    for n, circuit in enumerate(config.circuit):
        yield from _circuit(("circuit", n), circuit)


def _switching(path: Path, point: ChargePointSection) -> Iterator[Finding]:
    """B-285; and behind unknown wiring nobody knows which phase would be left."""
    if point.phases != len(PHASE_NAMES):
        yield Finding(path, f"is true, and phases is {point.phases}", "connect three phases or remove it")
    if point.accept_ventilation:
        yield Finding(path, "is true beside accept_ventilation", "set one of them to false")
    if point.wiring == "unknown":
        yield Finding(path, "is true, and wiring is unknown", "find out how it is wired and say so")


def _bounds(path: Path, point: ChargePointSection | PlacementSection) -> Iterator[Finding]:
    if point.min_amps > point.max_amps:
        reason = f"is {point.min_amps:g} A, above max_amps {point.max_amps:g} A"
        yield Finding((*path, "min_amps"), reason, "lower it or raise max_amps")
        return
    for key in ("fallback_amps", "boot_amps"):
        amperes = getattr(point, key)
        if amperes != 0 and not point.min_amps <= amperes <= point.max_amps:
            reason = f"is {amperes:g} A, outside min_amps to max_amps"
            remedy = f"give 0 or {point.min_amps:g} to {point.max_amps:g} A"
            yield Finding((*path, key), reason, remedy)


def _circuit(path: Path, circuit: CircuitSection) -> Iterator[Finding]:
    if circuit.headroom_amps >= min(circuit.limit_amps):
        reason = f"is {circuit.headroom_amps:g} A and leaves nothing of limit_amps"
        yield Finding((*path, "headroom_amps"), reason, "lower it")
    if circuit.meter is not None and "external_fallback_amps" not in circuit.model_fields_set:
        reason = f"is missing; without it nothing would be assumed while meter {circuit.meter!r} is silent"
        yield Finding(
            (*path, "external_fallback_amps"), reason.replace(";", ","), "give the largest load of L1, L2, L3"
        )


def limits(config: NodeConfig) -> Iterator[Finding]:
    for n, entry in enumerate(config.timetable):
        if entry.begins == entry.ends:
            reason = f"is {entry.ends}, when it begins"
            yield Finding(("timetable", n, "ends"), reason, 'write begins = "00:00" and ends = "24:00" for a whole day')
        if config.park is not None and not config.park.time_zone:
            reason = "is missing, and there is a [[timetable]]"
            yield Finding(("park", "time_zone"), reason, 'add it, for instance time_zone = "Europe/Berlin"')
            break
    for n, each in enumerate(config.input):
        if (each.limit_amps is None) == (each.offset_amps is None):
            reason = "is missing" if each.limit_amps is None else "stands beside offset_amps"
            yield Finding(("input", n, "limit_amps"), reason, "give limit_amps or offset_amps")
        elif each.offset_amps is not None and not any(each.offset_amps):
            yield Finding(("input", n, "offset_amps"), "lowers nothing", "give at least one current below 0")


def times(config: NodeConfig) -> Iterator[Finding]:
    load = config.load
    if 2 * load.renew_seconds > load.lease_seconds:
        reason = f"is {load.renew_seconds:g} s, more than half of lease_seconds {load.lease_seconds:g} s"
        yield Finding(("load", "renew_seconds"), reason, "lower it, so that one lost renewal ends no grant")
    for n, meter in enumerate(config.meter):
        if meter.stale_after_seconds <= meter.poll_seconds:
            reason = f"is {meter.stale_after_seconds:g} s, not more than poll_seconds {meter.poll_seconds:g} s"
            yield Finding(("meter", n, "stale_after_seconds"), reason, "give at least three polls")

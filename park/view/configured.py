"""The park view before anything was heard: everything the configuration names, nothing known of it."""

from __future__ import annotations

import math

from msgspec.structs import replace

from park.config.electrical import PlacementSection
from park.config.groups import GroupSection
from park.config.node_config import NodeConfig
from park.config.quantities import milliamperes
from park.model.electric import Wiring
from park.model.time import Now
from park.view.rows import BackendRow, ChargePointRow, CircuitPhase, CircuitRow, MeterRow, NodeReported, ParkView


def as_configured(config: NodeConfig, now: Now, version: str, restarts: int | None = None) -> ParkView:
    """Rows in the order of the file; `restarts` of this node's process, None where nobody counts them."""
    name = config.node.name
    park = config.park.name if config.park else config.server.park if config.server else name
    return ParkView(
        park=park,
        now=now,
        nodes=(NodeReported(name, config.node.role, "alive", math.inf, version, restarts),),
        circuits=(*_circuits(config), *(_group(group) for group in config.group)),
        charge_points=(*_own_points(config), *(_placed_point(config, placement) for placement in config.placement)),
        meters=tuple(MeterRow(meter.name, name) for meter in config.meter),
        backend=BackendRow("offline") if config.backend else BackendRow("disabled", "no backend is configured"),
    )


def _circuits(config: NodeConfig) -> tuple[CircuitRow, ...]:
    rows: list[CircuitRow] = []
    for circuit in config.circuit:
        l1, l2, l3 = (CircuitPhase(limit_ma=milliamperes(limit)) for limit in circuit.limit_amps)
        rows.append(CircuitRow(circuit.name, circuit.parent, circuit.meter, (l1, l2, l3)))
    return tuple(rows)


def _group(group: GroupSection) -> CircuitRow:
    """A circuit that is led elsewhere: here its budget is what it may take."""
    l1, l2, l3 = (CircuitPhase(limit_ma=milliamperes(limit)) for limit in group.max_amps)
    return CircuitRow(group.name, group.circuit, None, (l1, l2, l3))


def _own_points(config: NodeConfig) -> tuple[ChargePointRow, ...]:
    rows: list[ChargePointRow] = []
    for point in config.charge_point:
        row = ChargePointRow(
            name=f"{config.node.name}/{point.name}",
            node=config.node.name,
            connector=point.connector,
            circuit=point.circuit,
            phases=Wiring(point.wiring).grid_phases(point.phases),
            fallback_ma=milliamperes(point.fallback_amps),
        )
        tethered = point.cable_amps if point.outlet == "cable" else None
        rows.append(_rated(config, row, min(point.max_amps, tethered or point.max_amps)))
    return tuple(rows)


def _rated(config: NodeConfig, row: ChargePointRow, amps: float) -> ChargePointRow:
    """With what the point and the circuits above it are built for; those of a client are its server's."""
    circuits = {circuit.name: circuit for circuit in config.circuit}
    limits, name = [milliamperes(amps)], row.circuit
    for _ in circuits:
        circuit = None if name is None else circuits.get(name)
        if circuit is None:
            break
        limits += [milliamperes(circuit.limit_amps[phase - 1]) for phase in row.phases]
        name = circuit.parent
    return replace(row, rated_ma=min(limits)).with_cable(None)


def _placed_point(config: NodeConfig, placement: PlacementSection) -> ChargePointRow:
    row = ChargePointRow(
        name=placement.charge_point,
        node=placement.charge_point.partition("/")[0],
        connector=placement.connector,
        circuit=placement.circuit,
        phases=Wiring(placement.wiring).grid_phases(placement.phases),
        fallback_ma=milliamperes(placement.fallback_amps),
    )
    return _rated(config, row, placement.max_amps)

"""From the configuration files of nodes to the virtual hardware they name, and the names people may call it by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from nodes.config_files import read_config
from nodes.virtual.unservable import Configs, is_local, unservable
from park.config.board import BenchSection
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint, endpoint, milliamperes, tcp_endpoint
from park.errors import ConfigurationInvalid
from park.metering.maps import register_map
from park.metering.register_map import SigningPlaces
from park.model.electric import Wiring
from park.physics.hardware import EvseSpec, Outlet
from park.physics.site import CircuitSpec, MeterSpec, SitePlan

Label = Callable[[str, str], str]
"""(node, name) → the name on the bench: the bare one where it is unique, else NODE/NAME."""


class MeterPlace(Struct, frozen=True):
    """Where a virtual meter is polled. `signing`: where one that signs keeps its texts."""

    meter: str
    endpoint: Endpoint
    unit: int
    signing: SigningPlaces | None = None


class BenchPlan(Struct, frozen=True):
    """Everything the bench process serves. The alias tables hold every name a person or driver may use."""

    addresses: tuple[Endpoint, ...]
    site: SitePlan
    places: tuple[MeterPlace, ...]
    nodes: tuple[str, ...]
    charge_points: Mapping[str, str]
    readers: Mapping[str, str]
    meters: Mapping[str, str]


def bench_plan_from_toml(paths: Iterable[Path]) -> BenchPlan:
    """Read the files of all nodes with virtual hardware; raises ConfigurationInvalid naming file, key and reason."""
    return bench_plan([(str(path), read_config(path)) for path in paths])


def bench_plan(configs: Configs) -> BenchPlan:
    """Build the plan from (file name, configuration) pairs; raises ConfigurationInvalid for what cannot be served."""
    if findings := tuple(unservable(configs)):
        raise ConfigurationInvalid(findings)
    nodes = [config for _, config in configs]
    points = [(config.node.name, point.name) for config in nodes for point in config.charge_point]
    readers = [(config.node.name, reader.name) for config in nodes for reader in config.reader]
    meters = [(config.node.name, meter.name) for config in nodes for meter in config.meter if is_local(meter.address)]
    point_label, reader_label, meter_label = _label(points), _label(readers), _label(meters)
    return BenchPlan(
        addresses=_addresses(nodes),
        site=SitePlan(
            evses=_evses(nodes, point_label),
            circuits=_circuits(nodes),
            meters=_meters(nodes, meters, meter_label, point_label),
            readers=tuple(reader_label(*reader) for reader in readers),
            circuit_of=_circuit_of(nodes, points, point_label),
        ),
        places=tuple(
            MeterPlace(
                meter_label(config.node.name, meter.name),
                tcp_endpoint(meter.address),
                meter.unit,
                register_map(meter.map).signing,
            )
            for config in nodes
            for meter in config.meter
            if is_local(meter.address)
        ),
        nodes=tuple(config.node.name for config in nodes),
        charge_points=_aliases(points, point_label),
        readers=_aliases(readers, reader_label),
        meters=_aliases(meters, meter_label),
    )


# ------------------------------------------------------------ names


def _label(things: list[tuple[str, str]]) -> Label:
    often = Counter(name for _, name in things)
    return lambda node, name: name if often[name] == 1 else f"{node}/{name}"


def _aliases(things: list[tuple[str, str]], label: Label) -> dict[str, str]:
    full = {f"{node}/{name}": label(node, name) for node, name in things}
    return full | {name: name for name in full.values()}


# ------------------------------------------------------------ parts


def _addresses(nodes: list[NodeConfig]) -> tuple[Endpoint, ...]:
    sections = [config.bench or BenchSection() for config in nodes if config.bench or config.charge_point]
    found = {endpoint(section.address) for section in sections} or {endpoint(BenchSection().address)}
    return tuple(sorted(found, key=str))


def _evses(nodes: list[NodeConfig], label: Label) -> tuple[EvseSpec, ...]:
    placed = {placement.charge_point: placement.wiring for config in nodes for placement in config.placement}
    return tuple(
        EvseSpec(
            name=label(config.node.name, point.name),
            wiring=Wiring(placed.get(f"{config.node.name}/{point.name}", point.wiring)),
            phases=point.phases,
            maximum_ma=milliamperes(point.max_amps),
            outlet=Outlet(point.outlet),
            recloser=point.recloser,
            switchable=point.phase_switching,
        )
        for config in nodes
        for point in config.charge_point
    )


def _circuits(nodes: list[NodeConfig]) -> tuple[CircuitSpec, ...]:
    label = _label([(config.node.name, circuit.name) for config in nodes for circuit in config.circuit])
    return tuple(
        CircuitSpec(
            label(config.node.name, circuit.name),
            (milliamperes(a), milliamperes(b), milliamperes(c)),
            None if circuit.parent is None else label(config.node.name, circuit.parent),
        )
        for config in nodes
        for circuit in config.circuit
        for a, b, c in (circuit.limit_amps,)
    )


def _circuit_of(nodes: list[NodeConfig], points: list[tuple[str, str]], label: Label) -> dict[str, str]:
    circuit_label = _label([(config.node.name, circuit.name) for config in nodes for circuit in config.circuit])
    own = {
        label(config.node.name, point.name): circuit_label(config.node.name, point.circuit)
        for config in nodes
        for point in config.charge_point
        if point.circuit is not None
    }
    full = {f"{node}/{name}": label(node, name) for node, name in points}
    placed = {
        full[placement.charge_point]: circuit_label(config.node.name, placement.circuit)
        for config in nodes
        for placement in config.placement
        if placement.charge_point in full
    }
    return own | placed


def _meters(
    nodes: list[NodeConfig], meters: list[tuple[str, str]], label: Label, point_label: Label
) -> tuple[MeterSpec, ...]:
    circuit_label = _label([(config.node.name, circuit.name) for config in nodes for circuit in config.circuit])
    specs: list[MeterSpec] = []
    for config in nodes:
        node = config.node.name
        of_point = {point.meter: point_label(node, point.name) for point in config.charge_point}
        of_circuit = {circuit.meter: circuit for circuit in config.circuit}
        for meter in config.meter:
            if (node, meter.name) in meters:
                circuit = of_circuit.get(meter.name)
                specs.append(
                    MeterSpec(
                        name=label(node, meter.name),
                        circuit=None if circuit is None else circuit_label(node, circuit.name),
                        charge_point=None if circuit is not None else of_point.get(meter.name),
                        in_line=circuit is None or circuit.meter_sees_charging,
                    )
                )
    return tuple(specs)

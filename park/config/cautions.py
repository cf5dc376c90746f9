"""What is allowed in a file and will surprise: meters that share a bus, keys that count nothing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from itertools import groupby

from park.config.devices import MeterSection
from park.config.node_config import NodeConfig
from park.config.quantities import tcp_endpoint

FACTORY_UNIT = 1  # Modbus address of a meter as it comes from the factory (B-073, B-406)


def cautions(config: NodeConfig) -> Iterator[str]:
    """Each a sentence with what to do. Meters at one address hang on one RS-485 bus behind it (B-406)."""
    ordered = sorted(config.meter, key=lambda meter: meter.address)
    upstream = {circuit.meter for circuit in config.circuit}
    for address, group in groupby(ordered, key=lambda meter: meter.address):
        meters = list(group)
        if len(meters) > 1 and not _is_simulated(address):
            yield from _of_bus(address, meters, upstream)
    if config.load.algorithm == "greenflux-local":
        yield from _of_classes(config)


def _of_classes(config: NodeConfig) -> Iterator[str]:
    """One current in common knows no classes and no weights."""
    points = [(each.name, each) for each in config.charge_point]
    points += [(each.charge_point, each) for each in config.placement]
    named = [name for name, each in points if {"priority", "weight"} & each.model_fields_set]
    if named:
        yield (
            f"charge point {', '.join(named)}: priority and weight count nothing with load.algorithm greenflux-local, "
            "all are alike; remove them, or use the algorithm fair"
        )


def _is_simulated(address: str) -> bool:
    """Whether it is an address of this machine: behind it there is the bench, and no bus."""
    host = tcp_endpoint(address).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of_bus(address: str, meters: list[MeterSection], upstream: set[str | None]) -> Iterator[str]:
    kinds = sorted({meter.map for meter in meters})
    if len(kinds) > 1:
        yield (
            f"meters at {address}: they are of different types ({', '.join(kinds)}); all on one bus need the same baud "
            "rate, parity and stop bits: set them alike, or use meters of one type"
        )
    for meter in meters:
        if meter.name in upstream and meter.unit == FACTORY_UNIT:
            yield (
                f"meter {meter.name}: it measures a circuit and has unit {FACTORY_UNIT} on a bus with others, as every "
                f"new meter has; give it unit {FACTORY_UNIT + 1} or more, or a meter that is replaced answers for it"
            )

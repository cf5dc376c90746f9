"""What the bench cannot serve, as findings a person can act on: `file: key: reason; remedy`."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator

from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint, endpoint, tcp_endpoint
from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.maps.virtual_signing import VIRTUAL_SIGNING

Configs = list[tuple[str, NodeConfig]]
"""(file name, configuration) pairs."""

IMITATED = (EASTRON_SDM630.name, VIRTUAL_SIGNING.name)


def unservable(configs: Configs) -> Iterator[str]:
    """Find all that keeps the bench from serving these files together."""
    yield from _double_nodes(configs)
    yield from _wrong_addresses(configs)
    yield from _double_meters(configs)
    yield from _unknown_maps(configs)


def _double_nodes(configs: Configs) -> list[str]:
    often = Counter(config.node.name for _, config in configs)
    return [
        f"{source}: [node] name: {config.node.name!r} is also the node of another file; give each file its own"
        for source, config in configs
        if often[config.node.name] > 1
    ]


def _wrong_addresses(configs: Configs) -> list[str]:
    return [
        f"{source}: [bench] address: {config.bench.address} can be reached from outside, and the bench asks nobody who "
        "they are; use 127.0.0.1"
        for source, config in configs
        if config.bench is not None and not is_loopback(endpoint(config.bench.address).host)
    ]


def _double_meters(configs: Configs) -> list[str]:
    findings: list[str] = []
    taken: dict[tuple[Endpoint, int], str] = {}
    for source, config in configs:
        for meter in config.meter:
            place = (tcp_endpoint(meter.address), meter.unit)
            if place in taken:
                findings.append(
                    f"{source}: [[meter]] {meter.name}: {meter.address} unit {meter.unit} is taken by {taken[place]}; "
                    "give it another unit or port"
                )
            taken[place] = meter.name
    return findings


def _unknown_maps(configs: Configs) -> list[str]:
    return [
        f"{source}: [[meter]] {meter.name}: the bench cannot imitate a {meter.map!r}; it knows {', '.join(IMITATED)}"
        for source, config in configs
        for meter in config.meter
        if is_local(meter.address) and meter.map not in IMITATED
    ]


def is_local(address: str) -> bool:
    """Whether a meter's address is on this machine: others are real meters, and not the bench's to serve."""
    return is_loopback(tcp_endpoint(address).host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Reads a configuration as `check` and `run` do: what would be refused at start is refused here, the rest is told."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from nodes.config_files import read_config
from nodes.time_zones import time_zone
from park.config.cautions import cautions
from park.config.groups import refused_as_group
from park.config.mapping import TraitsOf, circuits, meter_settings, placements
from park.config.node_config import NodeConfig
from park.errors import ConfigurationInvalid, RegisterMapUnknown
from park.load import startup


class CheckedConfig(Struct, frozen=True):
    """`warnings`: what works but will surprise. `reaction`: how long an overload lasts at most, per cause."""

    config: NodeConfig
    warnings: tuple[str, ...]
    reaction: tuple[str, ...]


def read_checked(path: Path, traits_of: TraitsOf) -> CheckedConfig:
    """The configuration in a file, safe to start with; raises ConfigurationInvalid with every finding."""
    config = read_config(path)
    try:
        meter_settings(config)
    except RegisterMapUnknown as unknown:
        raise ConfigurationInvalid((f"{path}: meter: {unknown}",)) from unknown
    time_zone(config, str(path))
    if config.node.role == "client":  # its server counts the currents
        return CheckedConfig(config, tuple(cautions(config)), ())
    network, points = circuits(config), placements(config, traits_of)
    if refusals := startup.refusals(network, points) or refused_as_group(config.above, network, points):
        raise ConfigurationInvalid(tuple(f"{path}: {refusal}" for refusal in refusals))
    warnings = (*startup.warnings(network, points), *cautions(config))
    return CheckedConfig(config, warnings, _reaction(config))


def _reaction(config: NodeConfig) -> tuple[str, ...]:
    used = {circuit.meter for circuit in config.circuit}
    meters = [meter for meter in config.meter if meter.name in used]
    return startup.reaction_bounds(
        interval_seconds=config.load.interval_seconds,
        lease_seconds=config.load.lease_seconds,
        meter_period_seconds=max((meter.poll_seconds for meter in meters), default=0.0),
        meter_stale_seconds=max((meter.stale_after_seconds for meter in meters), default=0.0),
    )

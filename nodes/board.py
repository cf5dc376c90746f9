"""From a validated file to the board its actors are made for; where randomness and identities enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nodes.wiring import Board
from park.config.mapping import (
    authorizer_settings,
    charge_point_settings,
    coordinator_settings,
    full_name,
    meter_settings,
)
from park.config.node_config import NodeConfig
from park.ocpp.messages import Station
from park.ocpp.state import Settings as OcppSettings
from park.physics.hardware import TRAITS


@dataclass(frozen=True, slots=True)
class Identities:
    """`boot_id`: this run of the process. `journal_id`, `server_id`, `epoch`: of the store. `new_id`: fresh ones."""

    boot_id: str
    journal_id: str
    server_id: str
    epoch: int
    new_id: Callable[[], str]


def single_board(config: NodeConfig, identities: Identities, version: str) -> Board:
    """Everything the actors of a board that is a park by itself need to know."""
    return Board(
        node=config.node.name,
        boot_id=identities.boot_id,
        journal_id=identities.journal_id,
        charge_points=charge_point_settings(config, lambda _: TRAITS, identities.boot_id, identities.new_id),
        meters=meter_settings(config),
        readers=tuple(reader.name for reader in config.reader),
        coordinator=coordinator_settings(config, lambda _: TRAITS, identities.server_id, identities.epoch),
        authorizer=authorizer_settings(config),
        ocpp=_ocpp(config, identities, version),
    )


def _ocpp(config: NodeConfig, identities: Identities, version: str) -> OcppSettings:
    """Timeouts of the file are the defaults of their OCPP keys; what a backend changes later wins and is kept."""
    connectors = {point.meter: point.connector for point in config.charge_point if point.meter and point.connector}
    return OcppSettings(
        identity=config.backend.identity if config.backend else config.node.name,
        connectors=tuple(sorted(point.connector for point in config.charge_point if point.connector)),
        new_id=identities.new_id,
        station=Station(firmware=version),
        station_keys={
            "ConnectionTimeOut": str(round(config.authorization.plug_timeout_seconds)),
            "ConnectorPhaseRotation": _rotations(config),
        },
        meters=connectors,
        enabled=config.backend is not None,
    )


def _rotations(config: NodeConfig) -> str:
    wired = (point for point in config.charge_point if point.connector)
    each = ",".join(f"{point.connector}.{_rotation(point.wiring)}" for point in wired)
    return f"0.Unknown,{each}"


def _rotation(wiring: str) -> str:
    return "Unknown" if wiring == "unknown" else wiring


def owned_names(config: NodeConfig) -> tuple[str, ...]:
    """Full names of the board's charge points, in the order of the file."""
    return tuple(full_name(config.node.name, point.name) for point in config.charge_point)

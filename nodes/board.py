"""From a validated file to the board its actors are made for; where randomness and identities enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from nodes.time_zones import time_zone
from nodes.wiring import Board, ClientBoard, Hardware, RemoteBoard
from nodes.wiring.above import Leader, offered_loads
from park.authorization.reader import ServiceTags
from park.charging.placing import unplaced, with_placement
from park.charging.settings import ChargePointSettings
from park.config.access import BackendSection
from park.config.groups import led_group
from park.config.mapping import (
    authorizer_settings,
    charge_point_settings,
    circuits,
    conditions,
    coordinator_settings,
    full_name,
    meter_in_park,
    meter_of_point,
    meter_settings,
    placed_boards,
    placements,
)
from park.config.node_config import NodeConfig
from park.config.station_keys import connectors_of, phases_of, station_keys
from park.exchange.board_link import ServerFacts
from park.exchange.messages import OfferedPoint
from park.exchange.placing import fitted, placed_of
from park.exchange.server_link import BoardSettings
from park.load.group import GroupSettings
from park.load.told import Telling, telling
from park.model.limit import LimitKind
from park.model.placement import Placed
from park.model.storage import Row
from park.ocpp.connection import ConnectionSettings
from park.ocpp.messages import Station
from park.ocpp.state import Settings as OcppSettings
from park.physics.hardware import TRAITS


class Identities(Struct, frozen=True):
    """`boot_id`: this run of the process. `journal_id`, `server_id`, `epoch`: of the store. `new_id`: fresh ones.

    `voice_id`: of this start of a server ("": its server id), `lives`: those of its earlier starts,
    `suspects`: another server kept the last of them from leading. `machine_boot`: of the machine, longer than a run.
    """

    boot_id: str
    journal_id: str
    server_id: str
    epoch: int
    new_id: Callable[[], str]
    voice_id: str = ""
    lives: frozenset[str] = frozenset()
    suspects: bool = False
    machine_boot: str = ""


def leading_board(
    config: NodeConfig,
    identities: Identities,
    version: str,
    clock_known: Callable[[], bool] = lambda: True,
    told: Telling | None = None,
    password: str = "",
) -> Board:
    """Everything the actors of the board that leads a park need to know: a single one, or a server.

    `told`: what boards fall to in this life of it; None: what the file says.
    """
    told = told or telling(circuits(config), placements(config, lambda _: TRAITS), {})
    points = tuple(
        _falling(each, told)
        for each in charge_point_settings(config, lambda _: TRAITS, identities.boot_id, identities.new_id)
    )
    return Board(
        hardware=_hardware(config, points, identities.boot_id),
        journal_id=identities.journal_id,
        coordinator=replace(
            coordinator_settings(
                config, lambda _: TRAITS, identities.voice_id or identities.server_id, identities.epoch
            ),
            placements=told.placements,
            told=told.counted,
            lives=identities.lives,
            suspects=identities.suspects and config.node.role == "server",
            keeps_limits=True,
            conditions=conditions(config, time_zone(config), lambda name: _draw(identities.journal_id, name)),
            machine_boot=identities.machine_boot,
            unset_kinds=frozenset() if config.backend else frozenset({LimitKind.PROFILE}),
            sees_servers=config.node.role == "server" and config.discovery.enabled,
            node=config.node.name,
        ),
        authorizer=authorizer_settings(config),
        ocpp=_ocpp(config, identities, version, password),
        server=ServerFacts(
            park=park_name(config),
            node=config.node.name,
            version=version,
            server_id=identities.server_id,
            store_id=identities.journal_id,
            clock_known=clock_known,
        ),
        above=_leader(config, identities, version),
        boards=tuple(RemoteBoard(node, _told(placed, told)) for node, placed in placed_boards(config).items()),
    )


def _leader(config: NodeConfig, identities: Identities, version: str) -> Leader | None:
    """As what the park above knows this board; None: nothing is above."""
    root = next((circuit for circuit in circuits(config) if circuit.parent is None), None)
    if config.above is None or root is None:
        return None
    group = led_group(config.node.name, config.above, root)
    link = BoardSettings(
        park=config.above.park,
        node=config.node.name,
        version=version,
        boot_id=identities.boot_id,
        journal_id=identities.journal_id,
        charge_points=offered_loads(group),
    )
    return Leader(GroupSettings(group.name, identities.boot_id, group.fallback_ma), link)


def _draw(seed: str, name: str) -> float:
    """In [0, 1): of the site's database, so that a restart draws the same again."""
    return int.from_bytes(sha256(f"{seed}/{name}".encode()).digest()[:6]) / 2**48


def _falling(settings: ChargePointSettings, telling: Telling) -> ChargePointSettings:
    told = telling.told(settings.name)
    return settings if told is None else replace(settings, fallback_ma=told.fallback_ma, boot_ma=told.boot_ma)


def _told(placed: Mapping[str, Placed], telling: Telling) -> Mapping[str, Placed]:
    found: dict[str, Placed] = {}
    for name, each in placed.items():
        told = telling.told(name)
        found[name] = each if told is None else replace(each, fallback_ma=told.fallback_ma, boot_ma=told.boot_ma)
    return found


def client_board(config: NodeConfig, identities: Identities, version: str, rows: Iterable[Row] = ()) -> ClientBoard:
    """Everything the actors of a client board need to know. `rows`: where the server placed its charge points last.

    A point that was never placed signals nothing; the others begin with their boot current.
    """
    placed, _ = placed_of(rows)  # what cannot be read is told by the link, which reads it too
    settings = charge_point_settings(config, lambda _: TRAITS, identities.boot_id, identities.new_id)
    owners = {point.meter: full_name(config.node.name, point.name) for point in config.charge_point if point.meter}
    return ClientBoard(
        hardware=_hardware(config, tuple(_placed(each, placed) for each in settings), identities.boot_id),
        journal_id=identities.journal_id,
        link=BoardSettings(
            park=park_name(config),
            node=config.node.name,
            version=version,
            boot_id=identities.boot_id,
            journal_id=identities.journal_id,
            charge_points=tuple(_offered(each) for each in settings),
            meters={meter.name: meter_in_park(config.node.name, meter.name, owners) for meter in config.meter},
            readers=authorizer_settings(config).readers,
        ),
        authorizer=authorizer_settings(config),
    )


def _placed(settings: ChargePointSettings, placed: Mapping[str, Placed]) -> ChargePointSettings:
    known = placed.get(settings.name)
    return unplaced(settings) if known is None else with_placement(settings, fitted(known, _offered(settings)))


def park_name(config: NodeConfig) -> str:
    """The park this node leads or joins; a board alone is a park of its own name."""
    if config.park is not None:
        return config.park.name
    return config.node.name if config.server is None else config.server.park


def _hardware(config: NodeConfig, points: tuple[ChargePointSettings, ...], boot_id: str) -> Hardware:
    return Hardware(
        node=config.node.name,
        boot_id=boot_id,
        charge_points=points,
        meters=meter_settings(config),
        readers=tuple(reader.name for reader in config.reader),
        service={each.name: ServiceTags(each.reboot_tag, each.defaults_tags) for each in config.reader},
    )


def _offered(settings: ChargePointSettings) -> OfferedPoint:
    return OfferedPoint(
        name=settings.name,
        phases=settings.phases,
        minimum_ma=settings.minimum_ma,
        maximum_ma=settings.maximum_ma,
        resolution_ma=settings.traits.resolution_ma,
        has_deadman=settings.traits.has_deadman,
        metered=settings.meter is not None,
    )


def _ocpp(config: NodeConfig, identities: Identities, version: str, password: str) -> OcppSettings:
    """Timeouts of the file are the defaults of their OCPP keys; what a backend changes later wins and is kept."""
    connectors = {point.meter: point.connector for point in config.charge_point if point.meter and point.connector}
    connectors |= {meter_of_point(each.charge_point): each.connector for each in config.placement if each.metered}
    root = next((circuit for circuit in circuits(config) if circuit.parent is None), None)
    return OcppSettings(
        identity=config.backend.identity if config.backend else config.node.name,
        connectors=tuple(sorted(connectors_of(config))),
        new_id=identities.new_id,
        station=Station(firmware=version),
        station_keys=station_keys(config, version),
        meters=connectors,
        enabled=config.backend is not None,
        charge_points=frozenset(owned_names(config)) | frozenset(each.charge_point for each in config.placement),
        journal=identities.journal_id,
        points=connectors_of(config),
        phases=phases_of(config),
        node=config.node.name,
        connection=_connection(config.backend, password),
        fallback_seconds=config.backend.fallback_seconds if config.backend else 0.0,
        restart_with_sessions=config.maintenance.restart_with_sessions,
        boards=_boards(config),
        boot=identities.boot_id,
        maxima_ma=_maxima_ma(config),
        circuit=root.name if root else "",
        circuit_ma=min(root.limit_ma) if root else 0,
    )


def _boards(config: NodeConfig) -> tuple[str, ...]:
    """The others that a firmware of the backend is for."""
    if config.maintenance.boards == "own":
        return ()
    return tuple(sorted({each.charge_point.partition("/")[0] for each in config.placement} - {config.node.name}))


def _connection(backend: BackendSection | None, password: str) -> ConnectionSettings | None:
    if backend is None:
        return None
    return ConnectionSettings(backend.url, backend.identity, backend.security_profile, password)


def _maxima_ma(config: NodeConfig) -> dict[int, int]:
    """What each connector may carry on each phase."""
    every = {each.charge_point: each.maximum_ma for each in placements(config, lambda _: TRAITS)}
    return {number: every[point] for number, point in connectors_of(config).items() if point in every}


def owned_names(config: NodeConfig) -> tuple[str, ...]:
    """Full names of the board's charge points, in the order of the file."""
    return tuple(full_name(config.node.name, point.name) for point in config.charge_point)

"""The maintenance edge as a composition root makes it."""

from __future__ import annotations

import json
import platform
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from actors.address import Address
from actors.messages import MaintenanceMessage, StoreMessage
from nodes.maintenance.archive import Contents
from nodes.maintenance.board_firmware import BoardWorkshop
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.collecting import Collector
from nodes.maintenance.edge import MaintenanceEdge, Workshop
from nodes.maintenance.installer import Installer
from nodes.maintenance.pieces import FirmwareDesk
from nodes.maintenance.places import Rules
from nodes.parts import CERTIFICATES, BackendAccess
from park.config.node_config import NodeConfig
from park.exchange.messages import RestartOrdered
from park.model.time import Now
from park.ocpp.maintenance import MaintenanceEvent
from park.rolling.board import BoardFacts
from park.view import ParkView
from park.view.status import to_json

MEGABYTE = 1_000_000


def maintenance_edge(
    config: NodeConfig,
    access: BackendAccess,
    central: Address[MaintenanceEvent],
    orders: AsyncIterator[MaintenanceMessage],
    now: Callable[[], Now],
    snapshot: Callable[[], ParkView],
    collector: Collector,
    desk: FirmwareDesk,
) -> MaintenanceEdge:
    """`snapshot`: the park view, a part of the diagnostics. `collector` gets those of boards, `desk` gives firmware."""
    section, data_dir = config.maintenance, Path(config.node.data_dir)
    trust = access.trust

    def rules() -> Rules:
        context = ssl.create_default_context(cafile=access.transfer_ca)
        return Rules(frozenset(host.lower() for host in section.hosts), context)

    boards = {each.charge_point.partition("/")[0] for each in config.placement} - {config.node.name}

    async def contents(since: datetime | None, until: datetime | None) -> Contents:
        parts, missing = await collector.collect(boards, since, until)
        return Contents(config.node.name, about(snapshot()), parts, missing)

    store = CertificateStore(
        data_dir / CERTIFICATES,
        lambda: now().wall,
        given_roots=0 if trust.ca_file is None else 1,
        given_certificate=trust.certificate_file is not None,
        maker_file=access.maker_file,
    )
    shop = Workshop(
        config.node.name,
        data_dir,
        rules,
        store,
        Installer(section.installer, section.installer_seconds),
        int(section.firmware_mb * MEGABYTE),
        lambda: now().wall,
        contents,
        desk,
    )
    return MaintenanceEdge(shop, central, orders)


def board_workshop(
    config: NodeConfig,
    maker_file: Path | None,
    boot: str,
    store: Address[StoreMessage],
    restarts: Address[RestartOrdered],
    now: Callable[[], Now],
    snapshot: Callable[[], ParkView],
) -> BoardWorkshop:
    """What a client board installs firmware of its server with. `boot`: of this run of the process."""
    section, data_dir = config.maintenance, Path(config.node.data_dir)
    facts = BoardFacts(
        version("chargepark"),
        boot,
        bool(section.installer),
        int(section.firmware_mb * MEGABYTE),
        section.restart_with_sessions,
    )
    return BoardWorkshop(
        facts,
        data_dir,
        store,
        Installer(section.installer, section.installer_seconds),
        CertificateStore(data_dir / CERTIFICATES, lambda: now().wall, maker_file=maker_file),
        lambda: any(row.session is not None or row.contactor_closed for row in snapshot().charge_points),
        now,
        restarts,
    )


def about(view: ParkView) -> dict[str, bytes]:
    """What a board adds to its logs: which program it runs, and how it sees the park. No id tags are in it."""
    text = f"chargepark {version('chargepark')}\npython {sys.version}\n{platform.platform()}\n"
    status = json.dumps(to_json(view), indent=1, ensure_ascii=False)
    return {"status.json": status.encode(), "about.txt": text.encode()}

"""The maintenance edge as a composition root makes it."""

from __future__ import annotations

import asyncio
import json
import platform
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path

from actors.address import Address
from actors.messages import MaintenanceMessage
from nodes.maintenance.archive import Contents
from nodes.maintenance.certificates import CertificateStore
from nodes.maintenance.edge import MaintenanceEdge, Workshop
from nodes.maintenance.installer import Installer
from nodes.maintenance.places import Rules
from nodes.parts import CERTIFICATES, BackendAccess
from park.config.node_config import NodeConfig
from park.model.time import Now
from park.ocpp.maintenance import MaintenanceEvent
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
    restart: Callable[[str], None],
) -> MaintenanceEdge:
    """`snapshot`: the park view, a part of the diagnostics."""
    section, data_dir = config.maintenance, Path(config.node.data_dir)
    trust = access.trust

    def rules() -> Rules:
        context = ssl.create_default_context(cafile=access.transfer_ca)
        return Rules(frozenset(host.lower() for host in section.hosts), context)

    async def contents() -> Contents:
        await asyncio.sleep(0)
        return _contents(config, snapshot())

    store = CertificateStore(
        data_dir / CERTIFICATES,
        lambda: now().wall,
        given_roots=0 if trust.ca_file is None else 1,
        given_certificate=trust.certificate_file is not None,
        maker_file=access.maker_file,
    )
    shop = Workshop(
        data_dir,
        rules,
        store,
        Installer(section.installer, section.installer_seconds),
        int(section.firmware_mb * MEGABYTE),
        lambda: now().wall,
        contents,
        restart,
    )
    return MaintenanceEdge(shop, central, orders)


def _contents(config: NodeConfig, view: ParkView) -> Contents:
    """This board; of the others only which they are."""
    about = f"chargepark {version('chargepark')}\npython {sys.version}\n{platform.platform()}\n"
    status = json.dumps(to_json(view), indent=1, ensure_ascii=False)
    boards = {each.charge_point.partition("/")[0] for each in config.placement} - {config.node.name}
    why = "its logs stay on the board: fetch them there"
    return Contents(
        config.node.name,
        {"status.json": status.encode(), "about.txt": about.encode()},
        missing=dict.fromkeys(boards, why),
    )

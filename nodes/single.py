"""The composition root of a board that is a park by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from nodes.administration.port import AdminServer
from nodes.administration.whitelist import whitelist_service
from nodes.leading import Built, lead
from park.errors import AddressUnusable

_log = structlog.get_logger("node")


async def run(path: Path) -> None:
    """Run the node of a configuration file until SIGTERM or SIGINT; raises ChargeparkError when it cannot start."""
    await lead(path, administered)


@asynccontextmanager
async def administered(built: Built) -> AsyncGenerator[None]:
    """People may order, within the block; a board that cannot listen for them charges all the same."""
    try:
        admin = AdminServer(Path(built.config.node.data_dir), whitelist_service(built.park.authorizer))
    except AddressUnusable as error:
        _log.warning("chargepark whitelist cannot reach this node", reason=str(error))
        yield
        return
    await admin.start()
    try:
        yield
    finally:
        await admin.stop()

"""The composition root of a board that is a park by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from nodes.administration.port import AdminServer
from nodes.leading import Built, lead
from park.errors import AddressUnusable

_log = structlog.get_logger("node")


async def run(path: Path) -> bool:
    """Run the node of a configuration file until it is to end; whether it is to run anew. Raises ChargeparkError."""
    return await lead(path, administered)


@asynccontextmanager
async def administered(built: Built) -> AsyncGenerator[None]:
    """People may order, within the block; a board that cannot listen for them charges all the same."""
    try:
        admin = AdminServer(Path(built.config.node.data_dir), *built.orders)
    except AddressUnusable as error:
        _log.warning("chargepark whitelist, limit and pair energy cannot reach this node", reason=str(error))
        yield
        return
    await admin.start()
    try:
        yield
    finally:
        await admin.stop()

"""The composition root of a board that is a park by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from nodes.administration.port import AdminServer
from nodes.checked_config import read_checked
from nodes.leading import INDISPENSABLE, Built, leading
from nodes.parts import Ending, backend_access
from park.errors import AddressUnusable
from park.physics.hardware import TRAITS

_log = structlog.get_logger("node")


async def run(path: Path) -> bool:
    """Run the node of a configuration file until it is to end; whether it is to run anew. Raises ChargeparkError."""
    checked = read_checked(path, lambda _: TRAITS)
    for warning in checked.warnings:
        _log.warning(warning)
    access = backend_access(checked.config, path)
    ending = Ending(checked.config.node.name, INDISPENSABLE)
    async with leading(checked.config, access, ending.gave_up, administered, ending.restart):
        await ending.wait()
    ending.close()
    return ending.again


@asynccontextmanager
async def administered(built: Built) -> AsyncGenerator[None]:
    """People may order, within the block; a board that cannot listen for them charges all the same."""
    try:
        admin = AdminServer(Path(built.config.node.data_dir), *built.orders)
    except AddressUnusable as error:
        _log.warning("chargepark whitelist, config, limit and pair energy cannot reach this node", reason=str(error))
        yield
        return
    await admin.start()
    try:
        yield
    finally:
        await admin.stop()

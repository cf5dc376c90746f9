"""The composition root of a board that is a park by itself."""

from __future__ import annotations

from pathlib import Path

import structlog

from nodes.checked_config import read_checked
from nodes.leading import INDISPENSABLE, leading
from nodes.parts import Ending, password
from park.physics.hardware import TRAITS

_log = structlog.get_logger("node")


async def run(path: Path) -> None:
    """Run the node of a configuration file until SIGTERM or SIGINT; raises ChargeparkError when it cannot start."""
    checked = read_checked(path, lambda _: TRAITS)
    for warning in checked.warnings:
        _log.warning(warning)
    secret = password(checked.config, path)
    ending = Ending(checked.config.node.name, INDISPENSABLE)
    async with leading(checked.config, secret, ending.gave_up):
        await ending.wait()
    ending.close()

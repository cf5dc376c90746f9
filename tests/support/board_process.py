"""A board that only discovers, as a process: prints a JSON line for each change of what it sees, until SIGTERM.

`python board_process.py PARK NODE ROLE PORT [INTERFACE...]`
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from datetime import UTC, datetime
from typing import cast

from nodes import log
from nodes.bridge import Outbox, keep_running
from nodes.discovery.edge import DiscoveryEdge
from park.config.board import Role
from park.config.quantities import Endpoint
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings
from park.discovery.sightings import SightingsChanged
from park.model.alarm import Alarm
from park.model.time import Now


class Printer:
    def tell(self, message: SightingsChanged | Alarm, /) -> None:
        if isinstance(message, Alarm):
            line: object = {"alarm": message.code}
        else:
            line = {"sees": {each.node: list(each.addresses) for each in message.sightings}}
        print(json.dumps(line), flush=True)  # noqa: T201 what the test reads


async def main(park: str, node: str, role: str, port: str, *interfaces: str) -> None:
    log.configure(level="info")
    listens = Endpoint("::", int(port)) if int(port) else None
    settings = DiscoverySettings(park, node, cast("Role", role), interfaces, listens)
    announcements: Outbox[Announcement] = Outbox()
    announcements.tell(settings.announcement(1))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, announcements.close)
    edge = DiscoveryEdge(
        settings,
        announcements,
        Printer(),
        Printer(),
        lambda: Now(time.monotonic(), datetime.now(UTC)),
        look_seconds=0.2,
        announce_seconds=3.0,
    )
    await keep_running("discovery", edge.run)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

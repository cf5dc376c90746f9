"""The composition root of a server: a park with client boards, which pair, connect, and are found by DNS-SD."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from actors.address import Nowhere
from actors.messages import AdmissionMessage
from nodes.bridge import Backoff, Outbox, on_loop
from nodes.checked_config import read_checked
from nodes.discovery.edge import DiscoveryEdge
from nodes.exchange.server import ExchangeServer
from nodes.field import clock
from nodes.leading import INDISPENSABLE, Built, leading
from nodes.pairing.credentials import server_credentials
from nodes.pairing.server import ServerPairing, declare_pairing
from nodes.parts import LOCAL_BACKOFF, Ending, cancel, kept, password
from nodes.wiring import Park
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings, discovery_settings
from park.exchange.messages import PROTOCOL
from park.pairing.events import BoardsAdmitted
from park.physics.hardware import TRAITS

NETWORK_BACKOFF = Backoff(first=1.0, most=10.0)  # an interface that is not there yet at power-on comes within seconds
_log = structlog.get_logger("node")


async def run(path: Path) -> None:
    """Run the node of a configuration file until SIGTERM or SIGINT; raises ChargeparkError when it cannot start."""
    checked = read_checked(path, lambda _: TRAITS)
    for warning in checked.warnings:
        _log.warning(warning)
    secret = password(checked.config, path)
    ending = Ending(checked.config.node.name, INDISPENSABLE)
    async with leading(checked.config, secret, ending.gave_up, open_to_boards):
        await ending.wait()
    ending.close()


@asynccontextmanager
async def open_to_boards(built: Built) -> AsyncGenerator[None]:
    """Pairing, the boards' port and the announcement, within the block. Raises AddressUnusable and KeysUnusable."""
    config, park = built.config, built.park
    async with AsyncExitStack() as end:
        pairing = declare_pairing(
            config, built.world, park.supervisor, built.store, built.alarms, clock.now, _Roster(park)
        )
        where = config.listeners.get("boards")
        if where is not None:
            credentials = server_credentials(Path(config.node.data_dir))
            exchange = ExchangeServer(
                where, credentials, pairing.admitted, pairing.renewal, park.link_of, built.exchange
            )
            await exchange.start()
            end.push_async_callback(exchange.stop)
        await pairing.admin.start()
        end.push_async_callback(pairing.admin.stop)
        park.supervisor.start()
        tasks = [kept("pairing", pairing.port.run, LOCAL_BACKOFF)]
        discovery = discovery_settings(config)
        if discovery is not None:
            tasks += _announced(discovery, pairing, built)
        end.push_async_callback(cancel, tasks)
        yield


class _Roster:
    """Every paired board has its link from the start on, so that one that is away is shown as away."""

    def __init__(self, park: Park) -> None:
        self._park, self._loop = park, asyncio.get_running_loop()

    def tell(self, message: AdmissionMessage, /) -> None:
        if isinstance(message, BoardsAdmitted):
            for node in sorted(set(message.nodes.values())):
                on_loop(self._loop, partial(self._park.link_of, node))


def _announced(settings: DiscoverySettings, pairing: ServerPairing, built: Built) -> list[asyncio.Task[None]]:
    """Announce this server, and at each change of the pairing port where to ask for pairing."""
    announcements: Outbox[Announcement] = Outbox(key=type)
    fingerprint = pairing.authority.fingerprint

    async def follow() -> None:
        while True:
            announcements.tell(settings.announcement(PROTOCOL, fingerprint))
            port = await pairing.port.opened()
            announcements.tell(settings.announcement(PROTOCOL, fingerprint, port))
            await pairing.port.closed()

    edge = DiscoveryEdge(settings, announcements, Nowhere(), built.alarms, clock.now)
    return [
        kept("discovery", edge.run, NETWORK_BACKOFF, announcements.close),
        asyncio.create_task(follow(), name="follow the pairing port"),
    ]

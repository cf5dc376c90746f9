"""The composition root of a server: a park with client boards, which pair, connect, and are found by DNS-SD."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from actors.messages import AdmissionMessage, Alarm
from nodes import log_lines
from nodes.bridge import Outbox, on_loop
from nodes.discovery.edge import DiscoveryEdge
from nodes.exchange.others import OtherServers
from nodes.exchange.server import ExchangeServer
from nodes.exchange.voice import VoiceService
from nodes.field import clock
from nodes.leading import Built, lead
from nodes.pairing.credentials import server_credentials
from nodes.pairing.server import ServerPairing, declare_pairing
from nodes.parts import LOCAL_BACKOFF, NETWORK_BACKOFF, cancel, kept
from nodes.wiring import Park
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings, discovery_settings
from park.errors import AddressUnusable
from park.exchange.messages import PROTOCOL
from park.load.rivalry import Standing, StandingReported
from park.pairing.events import BoardsAdmitted

_log = structlog.get_logger("node")


async def run(path: Path) -> bool:
    """Run the node of a configuration file until it is to end; whether it is to run anew. Raises ChargeparkError."""
    return await lead(path, open_to_boards)


@asynccontextmanager
async def open_to_boards(built: Built) -> AsyncGenerator[None]:
    """Pairing, the boards' port and the announcement, within the block. Raises AddressUnusable and KeysUnusable."""
    config, park = built.config, built.park
    async with AsyncExitStack() as end:
        pairing = declare_pairing(
            config,
            built.world,
            park.supervisor,
            built.store,
            built.alarms,
            clock.now,
            _Roster(park),
            built.orders,
        )
        discovery = discovery_settings(config)
        announcements = _Announcements(discovery, pairing)
        port = _BoardsPort(built, pairing, VoiceService(config.node.name, lambda: announcements.standing))
        await port.open()
        end.push_async_callback(port.close)
        await pairing.admin.start()
        end.push_async_callback(pairing.admin.stop)
        park.supervisor.start()
        tasks = [kept("pairing", pairing.port.run, LOCAL_BACKOFF)]
        if discovery is not None:
            tasks += _announced(discovery, announcements, pairing, built)
        tasks.append(asyncio.create_task(_obey(built, port, announcements), name="obey the standing"))
        end.push_async_callback(cancel, tasks)
        yield


class _BoardsPort:
    """Where boards connect; closed while this server stands down, so that they go to the one that leads."""

    def __init__(self, built: Built, pairing: ServerPairing, voice: VoiceService) -> None:
        config = built.config
        self._where = config.listeners.get("boards")
        self._credentials = server_credentials(Path(config.node.data_dir))
        self._built, self._pairing, self._voice = built, pairing, voice
        self._server: ExchangeServer | None = None

    async def open(self) -> None:
        """Raises AddressUnusable."""
        if self._server is not None or self._where is None:
            return
        pairing, built = self._pairing, self._built
        server = ExchangeServer(
            self._where,
            self._credentials,
            pairing.admitted,
            pairing.renewal,
            built.park.link_of,
            built.exchange,
            self._voice,
        )
        await server.start()
        self._server = server

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()


async def _obey(built: Built, port: _BoardsPort, announcements: _Announcements) -> None:
    """Announce and show what this server does beside others, and close or open its port."""
    async for report in built.standing:
        log_lines.standing(report)
        built.view.tell(report)
        if report.standing is Standing.DOWN:
            built.alarms.tell(Alarm("another-server", report.why))
        announcements.stand(report)
        if report.standing is Standing.DOWN:
            await port.close()
        else:
            await _reopened(port, built)


async def _reopened(port: _BoardsPort, built: Built) -> None:
    try:
        await port.open()
    except AddressUnusable as error:
        built.alarms.tell(Alarm("boards-port-closed", f"{error}; start this node again"))


class _Roster:
    """Every paired board has its link from the start on, so that one that is away is shown as away."""

    def __init__(self, park: Park) -> None:
        self._park, self._loop = park, asyncio.get_running_loop()

    def tell(self, message: AdmissionMessage, /) -> None:
        if isinstance(message, BoardsAdmitted):
            for node in sorted(set(message.nodes.values())):
                on_loop(self._loop, partial(self._park.link_of, node))


class _Announcements:
    """What this server says of itself: a new announcement when the pairing port or its standing changes.

    `standing`: None before the coordinator said anything; a server without a voice would pass for an old one.
    """

    def __init__(self, settings: DiscoverySettings | None, pairing: ServerPairing) -> None:
        self.out: Outbox[Announcement] = Outbox(key=type)
        self._settings, self._pairing = settings, pairing
        self.standing: StandingReported | None = None
        self._port = 0

    def stand(self, report: StandingReported) -> None:
        self.standing = report
        self._say()

    async def follow(self) -> None:
        """The pairing port, until cancelled."""
        while True:
            self._port = 0
            self._say()
            self._port = await self._pairing.port.opened()
            self._say()
            await self._pairing.port.closed()

    def _say(self) -> None:
        if self._settings is None or self.standing is None:
            return
        voice, leads = self.standing.voice, self.standing.standing is Standing.LEADS
        says = f"{voice.epoch}/{voice.server_id}"
        fingerprint = self._pairing.authority.fingerprint
        self.out.tell(self._settings.announcement(PROTOCOL, fingerprint, self._port, says, leads=leads))


def _announced(
    settings: DiscoverySettings, announcements: _Announcements, pairing: ServerPairing, built: Built
) -> list[asyncio.Task[None]]:
    """Announce this server, and look for others of its park."""
    others = OtherServers(
        Path(built.config.node.data_dir),
        pairing.authority.fingerprint,
        {built.life.server_id, *built.life.earlier},
        built.park.coordinator,
    )
    edge = DiscoveryEdge(settings, announcements.out, others, built.alarms, clock.now)
    return [
        kept("discovery", edge.run, NETWORK_BACKOFF, announcements.out.close),
        kept("other servers", others.run, NETWORK_BACKOFF),
        asyncio.create_task(announcements.follow(), name="follow the pairing port"),
    ]

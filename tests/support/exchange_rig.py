"""Both ends of the exchange on loopback: real gRPC, TLS and certificates; links are inboxes, or the real actors."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from support.discovery import Inbox
from support.probe import Probe

from actors.address import Address
from actors.board_link import BoardLink, BoardLinkWires
from actors.messages import ExchangeMessage
from actors.remote import Returns
from actors.server_link import ServerLink, ServerLinkWires
from actors.station import Station
from actors.supervisor import Supervisor
from nodes.bridge import Backoff, Outbox, keep_running
from nodes.exchange.client import Dial, ServerEdge
from nodes.exchange.server import ExchangeServer
from nodes.exchange.voice import VoiceService
from nodes.field import ThreadWorld, clock
from nodes.pairing import certificates as certs
from nodes.pairing.admission import AdmittedBoards
from nodes.pairing.authority import Authority, open_authority
from nodes.pairing.credentials import CHANNEL_OPTIONS, channel_credentials, server_credentials
from nodes.pairing.identity import BoardKeys
from nodes.pairing.service import CertificateDesk, RenewalService
from park.config.quantities import Endpoint
from park.exchange import board_link
from park.exchange.board_link import ServerFacts
from park.exchange.messages import FrameArrived, LinkDown, LinkUp
from park.exchange.server_link import BoardSettings
from park.load.rivalry import StandingReported
from park.model.storage import LoadRows, RowsLoaded
from park.pairing.events import BoardsAdmitted
from park.station import StationState

PARK = "carpark"
AT_ONCE = Backoff(first=0.05, most=0.2)  # tests wait for the next attempt
LinkMessage: TypeAlias = LinkUp | LinkDown | FrameArrived
K = TypeVar("K")


@dataclass(frozen=True)
class Certificates:
    """A park's CA with its server, in `folder/server`, and boards it made members, in `folder/NODE`."""

    folder: Path
    authority: Authority

    @classmethod
    def of(cls, folder: Path, park: str = PARK) -> Certificates:
        return cls(folder, open_authority(folder / "server", park, "server", clock.now().wall))

    @property
    def server(self) -> Path:
        return self.folder / "server"

    def board(self, node: str) -> BoardKeys:
        keys = BoardKeys(self.folder / node)
        request = certs.read_signing_request(keys.signing_request(node))
        made = self.authority.issue(request, node, clock.now().wall)
        keys.accept(certs.pem(made), self.authority.certificate, node)
        return keys


class ServerEnd:
    """A boards' port. `links`: of each node, an inbox unless another was put there. Made on the event loop."""

    def __init__(self, park: Certificates, port: int = 0) -> None:
        self.admitted = AdmittedBoards()
        self.standing: StandingReported | None = None
        self.orders: Outbox[ExchangeMessage] = Outbox()
        self.inboxes: defaultdict[str, Inbox[LinkMessage]] = defaultdict(Inbox)
        self.links: dict[str, Address[Any]] = {}
        desk = CertificateDesk(park.authority, Probe(), clock.now)
        self.server = ExchangeServer(
            Endpoint("127.0.0.1", port),
            server_credentials(park.server),
            self.admitted,
            RenewalService(desk, self.admitted),
            lambda node: self.links.get(node) or self.inboxes[node],
            self.orders,
            VoiceService("server", lambda: self.standing),
        )
        self.target = f"127.0.0.1:{self.server.port}"

    def admit(self, *boards: tuple[str, BoardKeys]) -> None:
        """These boards, and no others."""
        self.admitted.tell(BoardsAdmitted({keys.fingerprint: node for node, keys in boards}))


@contextlib.asynccontextmanager
async def serving(
    park: Certificates, *boards: tuple[str, BoardKeys], port: int = 0, start: bool = True
) -> AsyncGenerator[ServerEnd]:
    end = ServerEnd(park, port)
    end.admit(*boards)
    if start:
        await end.server.start()
    try:
        yield end
    finally:
        await end.server.stop()


class ClientEnd:
    """A board's end of the exchange. `inbox`: its link, unless another is given."""

    def __init__(
        self,
        keys: BoardKeys,
        target: str,
        link: Address[Any] | None = None,
        orders: Outbox[ExchangeMessage] | None = None,
    ) -> None:
        self.inbox: Inbox[LinkMessage] = Inbox()
        self.errors: Probe[object] = Probe()
        self.orders: Outbox[ExchangeMessage] = orders or Outbox()
        dial = Dial(target, channel_credentials(keys.directory), CHANNEL_OPTIONS)
        self.edge = ServerEdge(lambda: (dial,), link or self.inbox, self.orders)


@contextlib.asynccontextmanager
async def connected(
    keys: BoardKeys, target: str, *, end: ClientEnd | None = None, backoff: Backoff = AT_ONCE
) -> AsyncGenerator[ClientEnd]:
    """Connects again and again within the block."""
    end = end or ClientEnd(keys, target)
    running = keep_running("server", end.edge.run, backoff=backoff, report=end.errors)
    tasks = [asyncio.create_task(end.edge.obey()), asyncio.create_task(running)]
    try:
        yield end
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def nth(inbox: Inbox[LinkMessage], kind: type[K], count: int = 1) -> K:
    """Wait for the `count`-th message of this kind."""

    def found() -> list[K]:
        return [each for each in inbox.messages if isinstance(each, kind)]

    await inbox.until(lambda _: len(found()) >= count)
    return found()[count - 1]


class EmptyDisk:
    """Nothing was kept, and nothing is asked for again."""

    def tell(self, message: object, /) -> None:
        if isinstance(message, LoadRows):
            message.reply_to.tell(RowsLoaded(()))


@dataclass(frozen=True)
class LiveLinks:
    """The real actors of both ends, of a board that beats once a second.

    `coordinator`: what it hears there; `shown`: the link as the board shows it; `nodes`: the board as the server does.
    """

    board: Address[Any]
    server: Address[Any]
    coordinator: Probe[Any]
    shown: Probe[Any]
    nodes: Probe[Any]


@contextlib.asynccontextmanager
async def live_links(
    node: str, server_orders: Address[ExchangeMessage], board_orders: Address[ExchangeMessage]
) -> AsyncGenerator[LiveLinks]:
    world = ThreadWorld()
    root = Supervisor(world, "links")
    coordinator, shown, nodes = Probe[Any](), Probe[Any](), Probe[Any]()
    facts = ServerFacts(PARK, "server", "1", "server-id", "store-id")
    above = BoardLinkWires(server_orders, coordinator, Probe(), Probe(), nodes, Probe(), Returns())
    below = ServerLinkWires(board_orders, {}, {}, Probe(), Probe(), EmptyDisk(), shown, Probe())
    settings = BoardSettings(PARK, node, "1", "boot", "journal", ())
    beating = StationState(node, "boot", ())
    on_server: Address[Any] = root.child(
        "board-link", lambda me: BoardLink(world, me, board_link.initial(node, facts, {}), above)
    )
    on_board: Address[Any] = root.child("server-link", lambda me: ServerLink(world, me, settings, below))
    root.child("station", lambda _: Station(world, beating, on_board))
    root.start()
    try:
        yield LiveLinks(on_board, on_server, coordinator, shown, nodes)
    finally:
        await asyncio.to_thread(root.stop)
        world.close()

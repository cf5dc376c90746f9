"""What a board that leads a group runs for the park above: there it is a board, with its own keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from actors.address import Address
from actors.messages import Alarm, ExchangeMessage, ServerLinkMessage
from nodes import log_lines
from nodes.bridge import Outbox
from nodes.discovery.edge import DiscoveryEdge
from nodes.exchange.client import SERVER_BACKOFF, ServerEdge
from nodes.field import clock
from nodes.membership import ServerPlaces, joined
from nodes.pairing.identity import BoardKeys
from nodes.parts import NETWORK_BACKOFF, cancel, kept
from park.config.node_config import NodeConfig
from park.discovery.settings import DiscoverySettings

KEYS = "above"  # folder in the data directory: the keys of the own park are another matter


def keys_of(config: NodeConfig) -> Path:
    """Where a board keeps its keys of the park it joins: those of a group are not those of its own park."""
    directory = Path(config.node.data_dir)
    return directory if config.above is None else directory / KEYS


@asynccontextmanager
async def below_another(
    config: NodeConfig,
    beside: Path,
    link: Address[ServerLinkMessage],
    orders: Outbox[ExchangeMessage],
    alarms: Address[Alarm],
) -> AsyncGenerator[None]:
    """The connection to the park above, within the block; nothing where there is none. Raises KeysUnusable."""
    section = config.above
    if section is None:
        yield
        return
    keys = BoardKeys(keys_of(config))
    server = ServerPlaces(section, keys)
    edge = ServerEdge(server.dials, link, orders)

    def connect() -> Coroutine[object, object, None]:
        return joined(config.node.name, section, keys, server, edge, beside)

    async with AsyncExitStack() as end:
        tasks = [
            asyncio.create_task(edge.obey(), name="orders for the park above"),
            kept("park above", connect, SERVER_BACKOFF, report=log_lines.ServerEdge()),
        ]
        if config.discovery.enabled and not section.address:
            looks = DiscoverySettings(section.park, interfaces=config.discovery.interfaces)
            seen = DiscoveryEdge(looks, None, server, alarms, clock.now, pinned=keys.known_authority() or "")
            tasks.append(kept("discovery of the park above", seen.run, NETWORK_BACKOFF))
        end.push_async_callback(cancel, tasks)
        yield

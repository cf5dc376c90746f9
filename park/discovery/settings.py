"""What the configuration says of discovery."""

from __future__ import annotations

from dataclasses import dataclass

from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """`interfaces`: names or addresses, empty: all but loopback.

    `listens_on`, `port`: host and port this node opens for boards; port 0: for none.
    """

    park: str
    node: str
    interfaces: tuple[str, ...]
    listens_on: str
    port: int


def discovery_settings(config: NodeConfig) -> DiscoverySettings | None:
    """None where discovery is switched off: this node is then neither announced nor does it see others (B-094)."""
    if not config.discovery.enabled:
        return None
    joined = config.server.park if config.server is not None else ""
    park = config.park.name if config.park is not None else joined
    boards = config.listeners.get("boards", Endpoint("", 0))
    return DiscoverySettings(park, config.node.name, config.discovery.interfaces, boards.host, boards.port)

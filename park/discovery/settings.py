"""What the configuration says of discovery."""

from __future__ import annotations

from msgspec import Struct

from park.config.board import Role
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint
from park.discovery.announcement import Announcement


class DiscoverySettings(Struct, frozen=True):
    """`interfaces`: names or addresses, empty: all but loopback.

    `boards`: where this node listens for others; None: for none. `park` "": no park is the own one, for who only looks.
    """

    park: str = ""
    node: str = ""
    role: Role = "client"
    interfaces: tuple[str, ...] = ()
    boards: Endpoint | None = None

    def announcement(
        self, proto: int, fingerprint: str = "", pairing_port: int = 0, voice: str = "", *, leads: bool = False
    ) -> Announcement:
        """What this node says of itself; a new one whenever the arguments change."""
        port = self.boards.port if self.boards is not None else 0
        return Announcement(self.park, self.node, self.role, proto, port, fingerprint, pairing_port, voice, leads)


def discovery_settings(config: NodeConfig) -> DiscoverySettings | None:
    """None where discovery is switched off: this node is then neither announced nor does it see others (B-094)."""
    if not config.discovery.enabled:
        return None
    joined = config.server.park if config.server is not None else ""
    park = config.park.name if config.park is not None else joined
    interfaces = config.discovery.interfaces
    return DiscoverySettings(park, config.node.name, config.node.role, interfaces, config.listeners.get("boards"))

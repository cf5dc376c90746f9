"""The whole file of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from park.config.access import AuthorizationInputSection, AuthorizationSection, BackendSection
from park.config.board import (
    BenchSection,
    DiscoverySection,
    ListenSection,
    MaintenanceSection,
    NodeSection,
    PairingSection,
    Role,
    ServerSection,
)
from park.config.devices import ChargePointSection, MeterSection, ReaderSection
from park.config.electrical import CircuitSection, LoadSection, PlacementSection
from park.config.groups import AboveSection, GroupSection
from park.config.limiting import InputSection, TimetableSection
from park.config.quantities import About, Endpoint, Name, Section, endpoint
from park.config.solar import SolarSection

LISTENS: Mapping[Role, tuple[str, ...]] = {
    "single": ("energy", "energy_tls", "metrics"),
    "server": ("boards", "pairing", "energy", "energy_tls", "metrics"),
    "client": ("energy", "metrics"),
}
"""Keys of `[listen]` a role opens."""


class ParkSection(Section):
    """The park this node leads."""

    name: Annotated[Name, About("Name of the park.")]
    time_zone: Annotated[
        str, Field(max_length=64), About("Where its time tables are: an IANA name such as `Europe/Berlin`.")
    ] = ""


class NodeConfig(Section):
    """A validated configuration. What a role must and must not have is checked by `park.config.checks`."""

    node: NodeSection
    listen: ListenSection = ListenSection()
    bench: BenchSection | None = None
    discovery: DiscoverySection = DiscoverySection()
    maintenance: MaintenanceSection = MaintenanceSection()
    park: ParkSection | None = None
    server: ServerSection | None = None
    above: AboveSection | None = None
    pairing: PairingSection | None = None
    load: LoadSection = LoadSection()
    authorization: AuthorizationSection = AuthorizationSection()
    authorization_input: Annotated[tuple[AuthorizationInputSection, ...], Field(strict=False)] = ()
    backend: BackendSection | None = None
    circuit: Annotated[tuple[CircuitSection, ...], Field(strict=False)] = ()
    timetable: Annotated[tuple[TimetableSection, ...], Field(strict=False)] = ()
    input: Annotated[tuple[InputSection, ...], Field(strict=False)] = ()
    solar: Annotated[tuple[SolarSection, ...], Field(strict=False)] = ()
    placement: Annotated[tuple[PlacementSection, ...], Field(strict=False)] = ()
    group: Annotated[tuple[GroupSection, ...], Field(strict=False)] = ()
    meter: Annotated[tuple[MeterSection, ...], Field(strict=False)] = ()
    reader: Annotated[tuple[ReaderSection, ...], Field(strict=False)] = ()
    charge_point: Annotated[tuple[ChargePointSection, ...], Field(strict=False)] = ()

    @property
    def listeners(self) -> dict[str, Endpoint]:
        """What this node opens, by key of `[listen]`: only what its role needs and the file does not close."""
        addresses = {key: str(getattr(self.listen, key)) for key in LISTENS[self.node.role]}
        return {key: endpoint(address) for key, address in addresses.items() if address}

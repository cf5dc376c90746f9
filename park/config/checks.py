"""All that must hold between the keys of a file."""

from __future__ import annotations

from collections.abc import Iterator

from park.config.addresses import addresses, backend_link
from park.config.amounts import currents, limits, times
from park.config.autocharging import autocharging
from park.config.findings import Document, Finding
from park.config.groups import grouping
from park.config.node_config import NodeConfig
from park.config.references import duplicates, names, references, tree
from park.config.roles import roles
from park.config.suns import sunlight


def check(config: NodeConfig, document: Document) -> tuple[Finding, ...]:
    """All that is wrong between the keys. `document`: the whole file, of which `config` may lack tables with mistakes.

    Not here: whether boot and lapse currents fit the fuses (`park.load`).
    """
    return (
        *roles(config, document),
        *duplicates(config),
        *references(config, document),
        *tree(config, document),
        *currents(config),
        *limits(config),
        *sunlight(config),
        *times(config),
        *autocharging(config),
        *_grouping(config, document),
        *addresses(config),
        *backend_link(config, document),
    )


def _grouping(config: NodeConfig, document: Document) -> Iterator[Finding]:
    return grouping(
        config.node.name,
        config.park.name if config.park else None,
        config.above,
        config.group,
        names(document, "circuit"),
        {each.charge_point.partition("/")[0] for each in config.placement},
        discovery=config.discovery.enabled,
    )

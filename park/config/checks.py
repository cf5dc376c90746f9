"""All that must hold between the keys of a file."""

from __future__ import annotations

from park.config.addresses import addresses, backend_link
from park.config.amounts import currents, limits, times
from park.config.findings import Document, Finding
from park.config.node_config import NodeConfig
from park.config.references import duplicates, references, tree
from park.config.roles import roles


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
        *times(config),
        *addresses(config),
        *backend_link(config, document),
    )


def without_effect(config: NodeConfig) -> tuple[str, ...]:
    """Keys that are understood and checked, and change nothing yet: a technician must not rely on them."""
    return tuple(
        f"circuit {circuit.name}: imbalance_amps = {circuit.imbalance_amps:g} has no effect yet: the difference "
        "between phases is not limited; spread the wiring of the charge points over the phases instead"
        for circuit in config.circuit
        if circuit.imbalance_amps is not None
    )

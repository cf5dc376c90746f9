"""What `[authorization]` says of vehicles that need no card: whether it fits, in the domain's words and in OCPP's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from park.authorization.settings import Autocharge, AutochargeMode
from park.config.access import AuthorizationSection
from park.config.findings import Finding
from park.config.node_config import NodeConfig

WORDS: Mapping[str, str] = {"off": "Off", "mac": "On", "fixed-id": "On (Fixed ID)"}
"""Values of the OCPP key `Autocharge`, as Bender's table writes them."""


def autocharging(config: NodeConfig) -> Iterator[Finding]:
    section = config.authorization
    if section.autocharge == AutochargeMode.FIXED_ID.value and not section.autocharge_id:
        reason = 'is missing, and autocharge is "fixed-id"'
        remedy = 'give the id tag of vehicles that cannot autocharge, or set autocharge = "mac"'
        yield Finding(("authorization", "autocharge_id"), reason, remedy)


def autocharge_of(section: AuthorizationSection) -> Autocharge:
    return Autocharge(AutochargeMode(section.autocharge), section.autocharge_prefix, section.autocharge_id)


def autocharge_keys(section: AuthorizationSection) -> dict[str, str]:
    """Defaults of the OCPP keys."""
    return {
        "Autocharge": WORDS[section.autocharge],
        "autochargeid": section.autocharge_id,
        "MACEVCCIDPrefix": section.autocharge_prefix,
    }

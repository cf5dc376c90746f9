"""The configuration keys: one registry of what a backend or a person may read and change while the park runs.

A file for each subject holds its keys as a `KeyGroup`; `registry.GROUPS` names the groups. A key whose value would
change nothing in the product has no place here.
"""

from park.ocpp.keys.accepting import MASK, VALUE_LENGTH, accept, shown
from park.ocpp.keys.key import Access, Alias, Key, KeyGroup, Kind, Scope, Steers
from park.ocpp.keys.registry import GROUPS, KEYS, Named, find, named
from park.ocpp.keys.values import KeyValues, Setting, split

__all__ = [
    "GROUPS",
    "KEYS",
    "MASK",
    "VALUE_LENGTH",
    "Access",
    "Alias",
    "Key",
    "KeyGroup",
    "KeyValues",
    "Kind",
    "Named",
    "Scope",
    "Setting",
    "Steers",
    "accept",
    "find",
    "named",
    "shown",
    "split",
]

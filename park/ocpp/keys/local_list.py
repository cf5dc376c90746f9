"""Keys of the local authorization list (OCPP 1.6 §9.2)."""

from __future__ import annotations

from park.ocpp.keys.key import KeyGroup, Kind, fact, switch
from park.ocpp.local_list import CAPACITY

GROUP = KeyGroup(
    "LocalAuthListManagement",
    "Local authorization list",
    (
        switch("LocalAuthListEnabled", "§9.2.1", "The backend's list says who is known.", on=True),
        fact("LocalAuthListMaxLength", Kind.NUMBER, str(CAPACITY), "§9.2.2, B-210", "Most cards of the list."),
        fact(
            "SendLocalListMaxLength", Kind.NUMBER, str(CAPACITY), "§9.2.3, B-111, B-210", "Most cards in one message."
        ),
    ),
)

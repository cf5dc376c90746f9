"""Keys about the backend's list of id tags (OCPP 1.6 §9.2)."""

from __future__ import annotations

from park.ocpp.keys.key import KeyGroup, Kind, fact, switch
from park.ocpp.local_list import CAPACITY

GROUP = KeyGroup(
    "LocalAuthListManagement",
    "The backend's list of id tags",
    (
        switch("LocalAuthListEnabled", "§9.2.1", "Cards are known by the list the backend sent.", on=True),
        fact("LocalAuthListMaxLength", Kind.NUMBER, str(CAPACITY), "§9.2.2, B-210", "Id tags the list may hold."),
        fact(
            "SendLocalListMaxLength",
            Kind.NUMBER,
            str(CAPACITY),
            "§9.2.3, B-111, B-210",
            "Id tags one SendLocalList may hold.",
        ),
    ),
)

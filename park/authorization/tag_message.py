"""A card as readers publish it on MQTT (`port0/rfid/authorization_request`): a JSON array of standard and UID."""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import cast

from msgspec import Struct

_UID = re.compile(r"(?:[0-9A-Fa-f]{2})+")  # little endian, zero filled, no delimiter


class Standard(Enum):
    ISO14443 = "ISO14443"
    ISO15693 = "ISO15693"
    UNKNOWN = "UNKNOWN"


class TagMessage(Struct, frozen=True):
    """`uid`: hexadecimal, as the reader wrote it; `id_tags.normalised` makes the id tag of it."""

    standard: Standard
    uid: str


def parsed(payload: bytes, *, retained: bool) -> TagMessage | None:
    """The card of a message; None for anything else, and for a retained one: nobody holds that card now (B-271)."""
    if retained:
        return None
    try:
        elements: object = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(elements, list):
        return None
    match cast("list[object]", elements):
        case [str(standard), str(uid)] if standard in Standard.__members__ and _UID.fullmatch(uid):
            return TagMessage(Standard(standard), uid)
        case _:
            return None


def payload(message: TagMessage) -> bytes:
    """To be published unretained."""
    return json.dumps([message.standard.value, message.uid], separators=(",", ":")).encode()

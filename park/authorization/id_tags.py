"""Id tags: how a card's number is written, and what the whitelist says about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from park.authorization.settings import LetterCase, WhitelistEntry
from park.model.access import Verdict

LONGEST_TAG = 20  # OCPP 1.6 §7.28 IdToken: CiString20
_HEXADECIMAL = frozenset("0123456789ABCDEF")
_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2})*")
_SEPARATORS = str.maketrans("", "", " :-")


def same_tag(one: str, other: str | None) -> bool:
    """OCPP 1.6 §7.28: id tags are compared without regard to case."""
    return other is not None and one.casefold() == other.casefold()


def normalised(uid: str) -> str | None:
    """A card's number as upper-case hexadecimal digits without separators; None when it is not 1 to 20 of them."""
    tag = uid.translate(_SEPARATORS).upper()
    if 0 < len(tag) <= LONGEST_TAG and _HEXADECIMAL.issuperset(tag):
        return tag
    return None


def spelled(text: str) -> str:
    """A card's number as readers spell it, when that is how pairs of digits are written; any other id tag as it is."""
    return normalised(text) or text if _PAIRS.fullmatch(text) else text


def lettered(id_tag: str, case: LetterCase) -> str:
    """The id tag with its letters as the backend wants them."""
    match case:
        case LetterCase.AS_READ:
            return id_tag
        case LetterCase.UPPER:
            return id_tag.upper()
        case LetterCase.LOWER:
            return id_tag.lower()


def judged(whitelist: Iterable[WhitelistEntry], id_tag: str, wall: datetime) -> Verdict | None:
    """What the whitelist says of an id tag at this time; None: it does not know it."""
    for entry in whitelist:
        if same_tag(id_tag, entry.tag):
            if not entry.allowed:
                return Verdict.BLOCKED
            if entry.expires is not None and wall > entry.expires:
                return Verdict.EXPIRED
            return Verdict.ACCEPTED
    return None

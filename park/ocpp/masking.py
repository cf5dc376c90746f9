"""Takes the secrets out of OCPP payloads that people are to see: passwords, keys, and the private parts of texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from park.ocpp.keys.accepting import MASK
from park.ocpp.keys.key import Access
from park.ocpp.keys.registry import named

SIGNED = "SignedData"  # ValueFormat, OCPP 1.6 §7.44
_SECRET_NAME = re.compile(r"passw|secret|authorizationkey|privatekey|token$|credential", re.IGNORECASE)
_NO_SECRET = frozenset({"idtoken"})  # a card or contract, which has a mark of its own where people see it
_PASSWORD_OF_URL = re.compile(r'(://[^\s:@/"]{0,128}:)[^\s"]{1,256}@')  # bounds keep a hostile text linear
_SECRET_OF_QUERY = re.compile(
    r'([?&][\w-]{0,32}(?:signature|sig|token|passw\w{0,4}|secret|key)=)[^&\s"]+', re.IGNORECASE
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)", re.DOTALL
)


def masked(value: object) -> object:
    """The JSON value without its secrets (B-381). Raises RecursionError when it is nested too deeply."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _members(cast("Mapping[str, object]", value))
    if isinstance(value, Sequence):
        return [masked(each) for each in cast("Sequence[object]", value)]
    return value


def names_secret(text: str) -> bool:
    """Whether a text that is no JSON speaks of a secret, so that none of it may be shown."""
    return _SECRET_NAME.search(text) is not None or "PRIVATE KEY" in text


def _members(members: Mapping[str, object]) -> dict[str, object]:
    hidden = _is_hidden(members.get("key"))
    personal = _personal(members)
    return {
        _text(name): MASK if (hidden and name == "value") or _is_secret(name) else _member(name, value, personal)
        for name, value in members.items()
    }


def _personal(members: Mapping[str, object]) -> str:
    """The member that names a card or contract within what it encodes; empty: none does."""
    if members.get("format") == SIGNED:  # OCMF
        return "value"
    return "certificate" if "idToken" in members else ""


def _member(name: str, value: object, personal: str) -> object:
    if name == personal and isinstance(value, str):
        return f"({len(value)} characters of it)"
    return masked(value)


def _is_hidden(key: object) -> bool:
    """Whether a configuration key's value is nobody's business; also of one that is not known, by its name."""
    if not isinstance(key, str):
        return False
    found = named(key)
    return _is_secret(key) if found is None else found.key.access is Access.HIDDEN


def _is_secret(name: str) -> bool:
    return name.lower() not in _NO_SECRET and _SECRET_NAME.search(name) is not None


def _text(text: str) -> str:
    if text[:1] in {"{", "["}:  # DataTransfer carries JSON as a text
        try:
            inner = masked(json.loads(text))
        except ValueError:
            pass
        else:
            return json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
    text = _PASSWORD_OF_URL.sub(rf"\1{MASK}@", text)
    return _PRIVATE_KEY.sub(MASK, _SECRET_OF_QUERY.sub(rf"\1{MASK}", text))

"""Whether a value is one of a key (B-113, B-382), and how a value is told."""

from __future__ import annotations

from collections.abc import Iterable

from park.model.access import Refused
from park.ocpp.keys.key import Access, Alias, Key, Kind
from park.ocpp.keys.values import KeyValues, split

MASK = "****"  # what a backend reads of a secret (B-381)
VALUE_LENGTH = 500  # CiString500Type
FAST_NETWORK = "OCPPViaLocalNetwork"  # B-066: lowers the shortest interval of readings
SHORTEST_INTERVALS = {"MeterValueSampleInterval": 1}
_ON, _OFF = frozenset({"true", "1"}), frozenset({"false", "0"})  # B-043: both forms are understood


def accept(key: Key, text: str, values: KeyValues | None = None, *, on_site: bool = False) -> str | Refused:
    """The value as it is stored, or why it is refused; `Refused` here has no request id.

    `values`: the others in force, by which a range may be wider. `on_site`: a person sets it, not the backend.
    """
    if key.access is not Access.WRITE and not (on_site and key.access is Access.LOCAL):
        return _refused(key, "cannot be changed" + ("" if on_site else " by the backend"))
    if len(text) > VALUE_LENGTH:
        return _refused(key, f"takes at most {VALUE_LENGTH} characters")
    match key.kind:
        case Kind.SWITCH:
            word = text.strip().lower()
            return "true" if word in _ON else "false" if word in _OFF else _refused(key, "is true or false")
        case Kind.NUMBER:
            return _accept_number(key, text.strip(), _least(key, values))
        case Kind.CHOICE:
            return _accept_choice(key, text.strip())
        case Kind.LIST:
            return _accept_list(key, split(text))
        case Kind.TEXT:
            fits = key.least <= len(text) <= key.most
            return text if fits else _refused(key, f"takes {key.least} to {key.most} characters")


def _least(key: Key, values: KeyValues | None) -> int:
    fast = values is not None and values.switch(FAST_NETWORK)
    return SHORTEST_INTERVALS.get(key.name, key.least) if fast else key.least


def _accept_number(key: Key, text: str, least: int) -> str | Refused:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(key.most))):
        return _refused(key, f"is a whole number up to {key.most}")
    value = int(text)
    if not (least <= value <= key.most or (key.or_zero and value == 0)):
        off = "0 (off) or " if key.or_zero else ""
        return _refused(key, f"is {off}{least} to {key.most}")
    return str(value)


def _accept_choice(key: Key, text: str) -> str | Refused:
    choices = key.choices or ()
    word = (text if text in choices else {"1": "true", "0": "false"}.get(text, text)).lower()
    for choice in choices:
        if choice.lower() == word:
            return choice
    return _refused(key, f"is one of {', '.join(choices)}; not {text}")


def _accept_list(key: Key, items: Iterable[str]) -> str | Refused:
    if key.choices is None:
        return ",".join(items)
    spelling = {choice.lower(): choice for choice in key.choices}
    accepted: list[str] = []
    for item in items:
        if item.lower() not in spelling:
            return _refused(key, f"knows {', '.join(key.choices) or 'no item yet'}; not {item}")
        accepted.append(spelling[item.lower()])
    return ",".join(dict.fromkeys(accepted))


def _refused(key: Key, why: str) -> Refused:
    return Refused("", f"{key.name} {why}")


def ours(alias: Alias | None, text: str) -> str:
    """A value written as this name of the key writes it, in our words."""
    if alias is None:
        return text
    word = text.strip().lower()
    word = {"1": "true", "0": "false"}.get(word, word)
    return next((mine for mine, theirs in alias.words.items() if theirs.lower() == word), text)


def shown(key: Key, text: str, values: KeyValues, alias: Alias | None = None) -> str:
    """What GetConfiguration answers: secrets masked (B-381), booleans as 0/1 on wish (B-043), cut to 500 (B-042)."""
    if key.access is Access.HIDDEN:
        return MASK
    if alias is not None:
        text = alias.words.get(text, text)
    if key.kind is Kind.SWITCH and values.switch("OcppGetConfBoolIsInt"):
        return "1" if text == "true" else "0"
    return text if values.switch("AllowLongOcppGetConfKeys") else text[:VALUE_LENGTH]

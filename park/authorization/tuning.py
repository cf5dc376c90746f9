"""Configuration keys about cards, in force from the moment they are told (OCPP 1.6 §9.1)."""

from __future__ import annotations

import re

from msgspec.structs import replace

from park.authorization import cards, patience
from park.authorization.settings import (
    LONGEST_AUTOCHARGE_PREFIX,
    AuthorizerSettings,
    Autocharge,
    AutochargeMode,
    LetterCase,
    Mode,
    OfflineRule,
)
from park.authorization.state import Authorizer, Stepped
from park.model.access import BACKEND_REGISTERED, SettingChanged
from park.model.time import Now

_TAGLESS = re.compile(r"TaglessIdTag\[([0-9]{1,5})\]")
UNKNOWN_OFFLINE = {"true": OfflineRule.ACCEPT, "ImmediatelyWhenPlugged": OfflineRule.PLUGGED}

AUTOCHARGE_WORDS = {"Off": AutochargeMode.OFF, "On": AutochargeMode.MAC, "On (Fixed ID)": AutochargeMode.FIXED_ID}
"""Values of `Autocharge`, as Bender's table writes them."""


def tuned(state: Authorizer, change: SettingChanged, now: Now) -> Stepped:
    """Unknown names and values of another kind change nothing; free charging lets in who waits."""
    if change.name == BACKEND_REGISTERED:
        return replace(state, registered=change.value is True), ()
    settings = _changed(state.settings, change)
    if settings == state.settings:
        return state, ()
    state, waits = patience.changed(replace(state, settings=settings), now)
    state, effects = cards.let_in(state, now, tuple(state.occupancies.values()))
    return state, (*waits, *effects)


def _changed(settings: AuthorizerSettings, change: SettingChanged) -> AuthorizerSettings:
    match change.name, change.value:
        case "LocalPreAuthorize", bool(on):
            return replace(settings, pre_authorize=on)
        case "OfflineNeedsRegistration", bool(on):
            return replace(settings, needs_registration=on)
        case "OfflineFallbackAfterBoot", int(seconds):
            return replace(settings, boot_patience_seconds=float(seconds))
        case "ISO15118PnCEnabled", bool(on):
            return replace(settings, contracts=on)
        case "ContractValidationOffline", bool(on):
            return replace(settings, contracts_offline=on)
        case "AuthorizationCacheEnabled", bool(on):
            return replace(settings, cache=on)
        case "LocalAuthorizeOffline", bool(on):
            unknown = settings.offline in UNKNOWN_OFFLINE.values()
            return replace(settings, known_offline=on, offline=settings.offline if unknown else _known(on=on))
        case "AllowOfflineTxForUnknownId", str(word):
            rule = UNKNOWN_OFFLINE.get(word) or _known(on=settings.known_offline)
            return replace(settings, offline=rule)
        case "FreeCharging", bool(on):
            return replace(settings, mode=Mode.FREE if on else settings.with_cards)
        case "RfidTagFreeCharging", str(tag) if tag:
            return replace(settings, free_tag=tag)
        case str(name), str(tag) if (connector := _connector_of(name)) is not None:
            return replace(settings, tagless={**settings.tagless, connector: tag})
        case "Autocharge" | "autochargeid" | "MACEVCCIDPrefix", str(text):
            return replace(settings, autocharge=_autocharge(settings.autocharge, change.name, text))
        case "idTagLetterCase", str(word) if word in {each.value for each in LetterCase}:
            return replace(settings, letter_case=LetterCase(word))
        case _:
            return settings


def _autocharge(autocharge: Autocharge, name: str, text: str) -> Autocharge:
    if name == "autochargeid":
        return replace(autocharge, fixed_id=text)
    if name == "MACEVCCIDPrefix":
        return replace(autocharge, prefix=text) if len(text) <= LONGEST_AUTOCHARGE_PREFIX else autocharge
    return replace(autocharge, mode=AUTOCHARGE_WORDS.get(text, autocharge.mode))


def _connector_of(name: str) -> int | None:
    """7 of `TaglessIdTag[7]` (B-133); None: another key."""
    found = _TAGLESS.fullmatch(name)
    return None if found is None else int(found[1])


def _known(*, on: bool) -> OfflineRule:
    return OfflineRule.WHITELIST if on else OfflineRule.REFUSE

"""Configuration keys that change the connection itself: AuthorizationKey, SecurityProfile, the backend's URL.

A change is tried with a way back (B-033), so it cannot lock the station out; a security profile is never lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from msgspec.structs import replace

from park.model.access import Refused
from park.ocpp.connection import TLS_PROFILE, ConnectionSettings
from park.ocpp.maintenance import TrustKnown
from park.ocpp.state import CentralSystem

KEY_LENGTHS = range(16, 41)  # security white paper §2.3: 16 to 40 characters
USER_LENGTH = 48  # ours: as long as an identity may be
HIGHEST_PROFILE = 3
URL_LENGTH = 512  # ours

_Accept: TypeAlias = Callable[[str, ConnectionSettings, TrustKnown], ConnectionSettings | Refused]


def wished(state: CentralSystem, name: str, value: str) -> ConnectionSettings | Refused | None:
    """The settings that a new value of one of these keys means; None: `name` is another key."""
    accept, connection = _KEYS.get(name), state.upkeep.connection
    if accept is None:
        return None
    if connection is None:
        return Refused("", "there is no connection to change")
    return accept(value, connection.chosen, state.upkeep.trust)


def shown(state: CentralSystem, name: str) -> str | None:
    """The value of one of these keys that may be read; None: another key, or a secret (B-381)."""
    connection = state.upkeep.connection
    if connection is None:
        return None
    used = connection.used
    told = {
        "SecurityProfile": str(used.profile),
        "CentralSystemURI": used.url,
        "AuthorizationUser": used.user or used.identity,
    }
    return told.get(name)


def _authorization_key(value: str, now: ConnectionSettings, _: TrustKnown) -> ConnectionSettings | Refused:
    if len(value) not in KEY_LENGTHS or not all("!" <= letter <= "~" for letter in value):
        return Refused("", "an AuthorizationKey has 16 to 40 printable characters")
    return replace(now, password=value)


def _authorization_user(value: str, now: ConnectionSettings, _: TrustKnown) -> ConnectionSettings | Refused:
    """The identity again means: follow the identity. RFC 7617 §2 allows no colon."""
    if len(value) > USER_LENGTH or ":" in value or not all("!" <= letter <= "~" for letter in value):
        return Refused("", f"an AuthorizationUser has up to {USER_LENGTH} printable characters and no colon")
    return replace(now, user="" if value == now.identity else value)


def _security_profile(value: str, now: ConnectionSettings, trust: TrustKnown) -> ConnectionSettings | Refused:
    """White paper §3: what a profile needs must be there before; a lower one is for people at the station only."""
    profile = int(value) if value in {"0", "1", "2", "3"} else -1
    if profile < now.profile or profile > HIGHEST_PROFILE:
        return Refused("", f"the security profile is {now.profile}; it can be raised up to 3, and never lowered")
    if profile in {1, 2} and not now.password:
        return Refused("", "set an AuthorizationKey first")
    if profile >= TLS_PROFILE and trust.roots == 0:
        return Refused("", "install a CentralSystemRootCertificate first")
    if profile == HIGHEST_PROFILE and not trust.station_certificate:
        return Refused("", "the station has no certificate yet: trigger SignChargePointCertificate first")
    return replace(now, profile=profile)


def _url(value: str, now: ConnectionSettings, _: TrustKnown) -> ConnectionSettings | Refused:
    try:
        parts = urlsplit(value)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return Refused("", "is no URL")
    schemes = {"wss"} if now.profile >= TLS_PROFILE else {"ws", "wss"}
    plain = parts.username is None and not parts.query and not parts.fragment
    if not (reachable and plain and parts.scheme in schemes and len(value) <= URL_LENGTH and value.isascii()):
        return Refused("", f"is a URL of {' or '.join(sorted(schemes))} without credentials and identity")
    if now.identity in parts.path.split("/"):
        return Refused("", "the identity is appended on connecting (B-001)")
    return replace(now, url=value)


_KEYS: Mapping[str, _Accept] = {
    "AuthorizationKey": _authorization_key,
    "AuthorizationUser": _authorization_user,
    "SecurityProfile": _security_profile,
    "CentralSystemURI": _url,
}
CONNECTION_KEYS = frozenset(_KEYS)

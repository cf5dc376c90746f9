"""With which settings the backend is connected to: those wished, or the last with which it registered (B-033).

A change by the backend (a new AuthorizationKey, a higher security profile, another URL) is on disk before it is tried.
When the backend does not register this station with it in time, the last good settings are used again, so that no
change locks the station out. A configuration file that was edited since wins over what a backend set before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NotRequired, TypedDict, cast
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from park.model.secrets import without
from park.model.storage import Put, Row

CONNECTION = "connection"  # table
_KEY = "backend"
TLS_PROFILE = 2  # security white paper §3: from this profile on the link is TLS


class ConnectionSettings(Struct, frozen=True):
    """`url`: without the identity. `profile`: of the security white paper. An empty `password`: no Basic auth.

    `certificate`: file of the station's certificate that a backend signed; empty: the configured one. `user`: of Basic
    auth; empty: the identity.
    """

    url: str
    identity: str
    profile: int = 0
    password: str = ""
    certificate: str = ""
    user: str = ""

    def __repr__(self) -> str:
        return without(self, "password")

    @property
    def secure_url(self) -> str:
        """The URL as this profile needs it: one that was ws:// before an upgrade is wss:// now."""
        parts = urlsplit(self.url)
        if self.profile < TLS_PROFILE or parts.scheme != "ws":
            return self.url
        return urlunsplit(parts._replace(scheme="wss"))


class _SettingsRow(TypedDict):
    url: str
    identity: str
    profile: int
    password: str
    certificate: str
    user: NotRequired[str]  # rows of earlier versions have none


class _ConnectionRow(TypedDict):
    file: str  # digest of the file's settings when this was written
    chosen: _SettingsRow
    good: _SettingsRow | None


class Connections(Struct, frozen=True):
    """`file`: the configuration's. `chosen`: what is wished. `good`: with what the backend registered last.

    `trial_ends`: when (mono) the good ones are used again, None while nothing is on trial. `fell_back`: they are.
    """

    file: ConnectionSettings
    chosen: ConnectionSettings
    good: ConnectionSettings | None = None
    fallback_seconds: float = 0.0
    trial_ends: float | None = None
    fell_back: bool = False

    @property
    def used(self) -> ConnectionSettings:
        return self.good if self.fell_back and self.good is not None else self.chosen

    @property
    def on_trial(self) -> bool:
        return self.good is not None and not self.fell_back and self.chosen != self.good

    def changed(self, chosen: ConnectionSettings, mono: float) -> Connections:
        """Wish for other settings."""
        return replace(self, chosen=chosen, fell_back=False, trial_ends=None).watched(mono)

    def watched(self, mono: float) -> Connections:
        """The trial of new settings begins when it has not begun yet."""
        if not self.on_trial or self.fallback_seconds <= 0:
            return replace(self, trial_ends=None)
        return self if self.trial_ends is not None else replace(self, trial_ends=mono + self.fallback_seconds)

    def registered(self) -> Connections:
        """The backend took this station with the settings in use."""
        return replace(self, good=self.used, trial_ends=None)

    def given_up(self) -> Connections:
        """The trial failed. What a backend had set is forgotten; what the file says is tried again at a restart."""
        if self.good is None:
            return self
        back = replace(self, fell_back=True, trial_ends=None)
        return back if self.chosen == self.file else replace(back, chosen=self.good)

    def row(self) -> Put:
        body: _ConnectionRow = {
            "file": _digest(self.file),
            "chosen": _settings_row(self.chosen),
            "good": None if self.good is None else _settings_row(self.good),
        }
        return Put(CONNECTION, _KEY, json.dumps(body, separators=(",", ":")))


def restore(file: ConnectionSettings, fallback_seconds: float, rows: Iterable[Row]) -> Connections:
    """What the disk holds; a row that cannot be read is as good as none: the file's settings are tried.

    Settings of another identity are left alone: its facts are not this one's (B-200).
    """
    begun = Connections(file, file, None, fallback_seconds)
    body = next((row.body for row in rows if row.table == CONNECTION and row.key == _KEY), None)
    if body is None:
        return begun
    try:
        row = cast("_ConnectionRow", json.loads(body))
        good = None if row["good"] is None else ConnectionSettings(**row["good"])
        chosen = ConnectionSettings(**row["chosen"]) if row["file"] == _digest(file) else file
    except (ValueError, KeyError, TypeError):
        return begun
    if good is not None and good.identity != file.identity:
        good = None
    return replace(begun, chosen=good if good == chosen else chosen, good=good)


def _settings_row(settings: ConnectionSettings) -> _SettingsRow:
    row: _SettingsRow = {
        "url": settings.url,
        "identity": settings.identity,
        "profile": settings.profile,
        "password": settings.password,
        "certificate": settings.certificate,
    }
    return {**row, "user": settings.user} if settings.user else row


def _digest(settings: ConnectionSettings) -> str:
    return hashlib.sha256(json.dumps(_settings_row(settings)).encode()).hexdigest()

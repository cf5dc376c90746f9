"""What the authorizer is told by the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

EVERY_CHARGE_POINT = "*"


class Mode(Enum):
    """Who decides about an id tag."""

    FREE = "free"  # nobody: a vehicle that is plugged in charges (B-053)
    WHITELIST = "whitelist"
    BACKEND = "backend"


class OfflineRule(Enum):
    """What decides in backend mode when the backend cannot be asked or does not answer (B-115)."""

    REFUSE = "refuse"
    WHITELIST = "whitelist"
    ACCEPT = "accept"  # anybody not known to be refused


@dataclass(frozen=True, slots=True)
class WhitelistEntry:
    """`expires`: refused after this time (B-400), None: never. `allowed` False: blocked, whoever is asked (B-401)."""

    tag: str
    name: str = ""
    expires: datetime | None = None
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """`serves`: the charge points its cards may be meant for; `EVERY_CHARGE_POINT` stands for all (B-134, B-352)."""

    name: str
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """`free_tag`: the id tag of sessions in free mode (B-052). `stop_with_card`: a card ends its own session (B-280).

    `answer_seconds`: how long the backend may take before the offline rule decides.
    """

    mode: Mode
    offline: OfflineRule = OfflineRule.WHITELIST
    whitelist: tuple[WhitelistEntry, ...] = ()
    readers: tuple[ReaderSettings, ...] = ()
    free_tag: str = "FREE"
    stop_with_card: bool = True
    answer_seconds: float = 10.0  # architecture §2: a command is answered within 10 s

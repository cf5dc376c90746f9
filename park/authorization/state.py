"""What the authorizer knows: claims under way, cards that wait for a vehicle, and what it learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from park.authorization.cached import Cached, Clearing
from park.authorization.messages import AnswerTags, ListChanged, LocalRules, RulesChanged, TeachMode
from park.authorization.settings import AuthorizerSettings, ReaderSettings, WhitelistEntry
from park.model.access import (
    Answer,
    AnswersCommand,
    AuthorizationGranted,
    AuthorizeWithBackend,
    OccupancyChanged,
    ShowFeedback,
    StopSession,
)
from park.model.alarm import Alarm
from park.model.contract import Contract
from park.model.listed import ListedTag
from park.model.reservation import Reservation
from park.model.signals import RepeatLevels, WakeAt
from park.model.storage import Load, Write

SAME_VEHICLE_SECONDS = 1.0  # nobody changes cars within it; the offset between two boards' clocks moves by milliseconds

AuthorizerEffect: TypeAlias = (
    AuthorizationGranted
    | StopSession
    | AuthorizeWithBackend
    | ShowFeedback
    | Answer
    | AnswerTags
    | RulesChanged
    | ListChanged
    | Alarm
    | Load
    | Write
    | RepeatLevels
    | WakeAt
)
Effects: TypeAlias = tuple[AuthorizerEffect, ...]
Stepped: TypeAlias = "tuple[Authorizer, Effects]"


class Claim(Struct, frozen=True):
    """An id tag that wants to charge at a charge point. `readers`: where it was shown; `ordered`: by the backend.

    `stops`: it wants the session there ended, if that is of its group. `contract`: a vehicle's, the tag is its eMAID.
    """

    id_tag: str
    charge_point: str
    plugged_since: float | None
    readers: tuple[str, ...] = ()
    ordered: bool = False
    stops: bool = False
    contract: Contract | None = None

    @property
    def vouched(self) -> bool:
        """Whether the id tag is whose it says: a card counts as such, a contract when somebody has checked it."""
        return self.contract is None or self.contract.checked


class Question(Struct, frozen=True):
    """A claim the backend is asked about, until `deadline` (mono). `held`: when it is there; it has not been yet."""

    request_id: str
    claim: Claim
    deadline: float
    held: bool = False


class Remembered(Struct, frozen=True):
    """A card shown before any vehicle, kept until `deadline` (mono) for the first that comes to its readers' points."""

    id_tag: str
    readers: tuple[str, ...]
    deadline: float


class Obeyed(Struct, frozen=True):
    """A card did something at a charge point at `mono`: for a moment it is the same presentation at other readers."""

    id_tag: str
    charge_point: str
    mono: float


class Teaching(Struct, frozen=True):
    """`reader` None: every reader teaches. `deadline`: mono."""

    reader: str | None
    mode: TeachMode
    deadline: float


class Lesson(Struct, frozen=True):
    """A change of the whitelist that is on its way to the disk; `entry` None: the tag goes.

    `reader` or `reply_to` (with `request_id`) is told how it ended.
    """

    tag: str
    entry: WhitelistEntry | None
    reader: str | None = None
    request_id: str = ""
    reply_to: AnswersCommand | None = None


class Authorizer(Struct, frozen=True):
    """`online` None: the backend's link is not known yet, so it is asked. `refused`: case-folded tags, newest last.

    `loaded`: what earlier runs learned is known; until then nobody unknown is accepted without the backend.
    `boards`: readers of other boards by node, full names only. `taught`: entries by case-folded tag.
    `lessons`: by the token of their commit. `run`: of this incarnation, for the version of the rules; 0: `next_run` is
    not on disk yet, and is written again at `retry` (mono). `applied`: the rules of the server this board decides by;
    None: it decides by its own. `cache`: cards the backend accepted, by case-folded tag. `clearing`: orders to forget
    them that wait for the disk, by token. `listed`: the backend's list, by case-folded tag. `groups`: by charge point,
    the tag that may charge there and its parent tag. `used`: the reservation that goes with the session there.
    `registered`: the backend has registered this park at its present address, now or before. `inputs`: level by
    node and number, None: not known. `met`: the backend was there since the start. `away`: it is said not to be, and
    that is not heeded yet (B-221).
    """

    settings: AuthorizerSettings
    occupancies: Mapping[str, OccupancyChanged] = field(default_factory=dict[str, OccupancyChanged])
    questions: tuple[Question, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    obeyed: tuple[Obeyed, ...] = ()
    online: bool | None = None
    refused: tuple[str, ...] = ()
    loaded: bool = True
    began: float = 0.0
    asked: int = 0
    boards: Mapping[str, tuple[ReaderSettings, ...]] = field(default_factory=dict[str, tuple[ReaderSettings, ...]])
    warned: frozenset[str] = frozenset()
    taught: Mapping[str, WhitelistEntry] = field(default_factory=dict[str, WhitelistEntry])
    whitelist: tuple[WhitelistEntry, ...] | None = None
    teaching: Teaching | None = None
    lessons: Mapping[int, Lesson] = field(default_factory=dict[int, Lesson])
    token: int = 0
    run: int = 0
    next_run: int = 0
    retry: float = math.inf
    changes: int = 0
    applied: LocalRules | None = None
    reservations: tuple[Reservation, ...] = ()
    used: Mapping[str, int] = field(default_factory=dict[str, int])
    listed: Mapping[str, ListedTag] = field(default_factory=dict[str, ListedTag])
    groups: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    cache: Mapping[str, Cached] = field(default_factory=dict[str, Cached])
    clearing: Mapping[int, Clearing] = field(default_factory=dict[int, Clearing])
    registered: bool = False
    met: bool = False
    away: bool = False
    inputs: Mapping[tuple[str, int], bool | None] = field(default_factory=dict[tuple[str, int], bool | None])

    @property
    def lets_in_offline(self) -> bool:
        """Whether anybody may start while the backend is away (B-195)."""
        return self.registered or not self.settings.needs_registration

    @property
    def decides(self) -> bool:
        """Whether vehicles are let in by this board: one that has the rules of its server does so only without it."""
        return self.applied is None or self.online is False


def known_tags(state: Authorizer) -> tuple[WhitelistEntry, ...]:
    """The file's entries, whose word stands, then the taught ones."""
    return state.settings.whitelist if state.whitelist is None else state.whitelist


def with_taught(state: Authorizer, taught: Mapping[str, WhitelistEntry]) -> Authorizer:
    """The state with these taught entries, and the whitelist they make together with the file."""
    configured = {entry.tag.casefold() for entry in state.settings.whitelist}
    added = tuple(entry for tag, entry in sorted(taught.items()) if tag not in configured)
    return replace(state, taught=taught, whitelist=(*state.settings.whitelist, *added))


def same_vehicle(one: float | None, other: float | None) -> bool:
    """Whether two moments of plugging in are one: what another board reports wanders with the estimate of its clock."""
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME_VEHICLE_SECONDS

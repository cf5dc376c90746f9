"""What the authorizer is told and tells beside cards: readers of other boards, taught cards, rules for other boards."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Protocol

from msgspec import Struct

from park.authorization.settings import Autocharge, Mode, OfflineRule, ReaderSettings, WhitelistEntry
from park.model.access import AnswersCommand
from park.model.delivery import Delivery
from park.model.listed import ListedTag
from park.model.reservation import Reservation


class ReadersAnnounced(Struct, frozen=True):
    """Board → authorizer: all readers of this node, in place of what was known of it. Repeated on `RepeatLevels`.

    Names may be short or NODE/READER; `serves` names NODE/CP, a CP of this node, or `EVERY_CHARGE_POINT`.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    node: str
    readers: tuple[ReaderSettings, ...]


class TeachMode(Enum):
    IN = "in"
    OUT = "out"


class Teach(Struct, frozen=True):
    """Administration → authorizer: cards shown in the next `seconds` are added to, or removed from, the whitelist.

    `reader` None: at any reader. A newer one replaces it; `seconds` 0 ends it.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reader: str | None
    mode: TeachMode
    seconds: float


class AddTag(Struct, frozen=True):
    """Administration → authorizer: keep this entry, answered `Done` when it is on disk. A known tag is replaced."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    entry: WhitelistEntry
    reply_to: AnswersCommand


class RemoveTag(Struct, frozen=True):
    """Administration → authorizer: forget this tag, answered `Done` when that is on disk."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    tag: str
    reply_to: AnswersCommand


class TagsListed(Struct, frozen=True):
    """Answer to `ListTags`: the entries of the file, then those taught or added, which alone can be removed."""

    request_id: str
    configured: tuple[WhitelistEntry, ...]
    taught: tuple[WhitelistEntry, ...]


class TakesTags(Protocol):
    def tell(self, message: TagsListed, /) -> None: ...


class ListTags(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    reply_to: TakesTags


class AnswerTags(Struct, frozen=True):
    """Effect: tell `listed` to `reply_to`."""

    reply_to: TakesTags
    listed: TagsListed


class ClearCards(Struct, frozen=True):
    """Central system → authorizer: forget the cards the backend accepted (OCPP 1.6 ClearCache), not those refused."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    reply_to: AnswersCommand


class TaglessTag(Struct, frozen=True):
    """The id tag of sessions without a card at one connector (B-133)."""

    connector: int
    tag: str


class LocalRules(Struct, frozen=True):
    """All a board needs to decide about cards while its server is away. `version` counts up within one server.

    `whitelist`: the file's entries and the taught ones, without names. `refused`: case-folded tags the backend refused.
    `readers`: of the whole park, by full name. `reservations`: of the whole park.
    `autocharge` None: of a server that does not know of it.
    """

    version: int
    mode: Mode
    offline: OfflineRule
    whitelist: tuple[WhitelistEntry, ...]
    refused: tuple[str, ...]
    free_tag: str
    stop_with_card: bool
    readers: tuple[ReaderSettings, ...]
    reservations: tuple[Reservation, ...] = ()
    autocharge: Autocharge | None = None
    tagless: tuple[TaglessTag, ...] = ()


class ListChanged(Struct, frozen=True):
    """Effect and message, server's authorizer → the links of all boards: the backend's list of id tags, all of it."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    tags: tuple[ListedTag, ...]


class RulesChanged(Struct, frozen=True):
    """Effect and message, server's authorizer → the links of all boards: after each start, and on every change."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    rules: LocalRules


class ApplyRules(Struct, frozen=True):
    """Server's link → the board's own authorizer: decide by these from now on; kept on disk."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    rules: LocalRules

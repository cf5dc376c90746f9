"""What the enrolment knows: boards, tokens, requests that wait for a person, and the one commit under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from park.model.access import Done, Refused
from park.model.alarm import Alarm
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, Load, RowsLoaded, Write
from park.pairing.events import (
    ApproveRequest,
    BoardRevoked,
    BoardsAdmitted,
    CertificateIssued,
    ClosePairing,
    IssuedToken,
    JoinAnswer,
    JoinRequested,
    ListPairing,
    MakeToken,
    OpenPairing,
    PairedBoard,
    PairingListed,
    PairingPortWanted,
    PendingRequest,
    RejectRequest,
    RevokeBoard,
)
from park.pairing.rate import Rate

Order: TypeAlias = OpenPairing | ClosePairing | MakeToken | ApproveRequest | RejectRequest | RevokeBoard
Request: TypeAlias = Order | JoinRequested | CertificateIssued | ListPairing
EnrolmentEvent: TypeAlias = Start | Tick | RowsLoaded | Committed | CommitFailed | Request


class JoinAnswered(Struct, frozen=True):
    """Effect: answer a board."""

    request: JoinRequested
    answer: JoinAnswer


class OrderAnswered(Struct, frozen=True):
    """Effect: answer a person."""

    order: Order
    answer: Done | Refused


class ListAnswered(Struct, frozen=True):
    """Effect: answer who asked for the list."""

    question: ListPairing
    answer: PairingListed


EnrolmentEffect: TypeAlias = (
    Write
    | Load
    | JoinAnswered
    | OrderAnswered
    | ListAnswered
    | BoardsAdmitted
    | BoardRevoked
    | PairingPortWanted
    | Alarm
    | WakeAt
)


class EnrolmentSettings(Struct, frozen=True):
    """`node`: of the server itself. `always_open`, `fingerprints`: [pairing] of its file."""

    node: str
    always_open: bool = False
    fingerprints: frozenset[str] = frozenset()


class Change(Struct, frozen=True):
    """Rows that change, and who is answered when they are on disk."""

    boards: tuple[PairedBoard, ...] = ()
    tokens: tuple[IssuedToken, ...] = ()
    void: tuple[str, ...] = ()
    answer: JoinAnswered | OrderAnswered | None = None


class Writing(Struct, frozen=True):
    """The commit under way. `cause` is refused when the disk refuses."""

    token: int
    cause: Request
    change: Change


class Enrolment(Struct, frozen=True):
    """`boards` by fingerprint, `tokens` by digest. `waiting`: told while a commit was under way.

    `open_until` (mono): by order of a person. `port`: what the pairing port was last told.
    """

    settings: EnrolmentSettings
    loaded: bool = False
    boards: Mapping[str, PairedBoard] = field(default_factory=dict[str, PairedBoard])
    tokens: Mapping[str, IssuedToken] = field(default_factory=dict[str, IssuedToken])
    pending: tuple[PendingRequest, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    open_until: float = 0.0
    rate: Rate = Rate()
    writing: Writing | None = None
    waiting: tuple[Request, ...] = ()
    commits: int = 0
    load_again_at: float = 0.0
    port: bool | None = None

    def closes_at(self) -> float | None:
        """Mono; None: the file keeps it open. A token does until it expires: its board may have to ask once more."""
        if self.settings.always_open:
            return None
        return max((self.open_until, *(token.deadline for token in self.tokens.values())))

    def is_open(self, mono: float) -> bool:
        closes_at = self.closes_at()
        return self.loaded and (closes_at is None or mono < closes_at)

    def board_of(self, node: str) -> PairedBoard | None:
        """The one key that is this node now."""
        return next((board for board in self.boards.values() if board.admitted and board.node == node), None)

    def request_of(self, node: str, fingerprint: str) -> PendingRequest | None:
        wanted = (node, fingerprint)
        return next((each for each in self.pending if (each.node, each.fingerprint) == wanted), None)

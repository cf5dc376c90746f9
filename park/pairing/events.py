"""What the enrolment is told and what it answers: requests of boards, orders of people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Protocol, TypeAlias

from msgspec import Struct

from park.model.access import Done, Refused
from park.model.delivery import Delivery
from park.model.secrets import without

# ---------------------------------------------------------------- boards


class Admitted(Struct, frozen=True):
    """This key is a board of the park, on disk: it may have a certificate for `node`."""

    node: str
    fingerprint: str


class JoinPending(Struct, frozen=True):
    """A person has to compare the words and approve; `reason` says why a token or a list was not enough."""

    reason: str


class JoinRefused(Struct, frozen=True):
    """`retry_seconds` None: asking again is of no use until somebody does something."""

    reason: str
    retry_seconds: float | None = None


JoinAnswer: TypeAlias = Admitted | JoinPending | JoinRefused


class AnswersJoin(Protocol):
    def tell(self, message: JoinAnswer, /) -> None: ...


class JoinRequested(Struct, frozen=True):
    """Pairing port → enrolment: the holder of a key (it signed the request) wants to be `node`. `peer`: its host."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    node: str
    fingerprint: str
    secret: bytes | None
    peer: str
    reply_to: AnswersJoin

    def __repr__(self) -> str:
        return without(self, "secret")


class CertificateIssued(Struct, frozen=True):
    """Pairing or boards port → enrolment, after an answer `Admitted`."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    fingerprint: str
    serial: str
    until: datetime


# ---------------------------------------------------------------- people


class PairedBoard(Struct, frozen=True):
    """A key that is or was a board's. `why`: token, listed, approved; once revoked: revoked, replaced."""

    node: str
    fingerprint: str
    since: datetime
    why: str
    serial: str = ""
    until: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def admitted(self) -> bool:
        return self.revoked_at is None


class PendingRequest(Struct, frozen=True):
    """A board that waits for a person; forgotten at `deadline` (mono) when it does not ask again."""

    node: str
    fingerprint: str
    peer: str
    since: datetime
    deadline: float


class IssuedToken(Struct, frozen=True):
    """A join token: `deadline` (mono) holds while the node runs, `expires` across its restart."""

    digest: str
    node: str
    replace: bool
    made: datetime
    expires: datetime
    deadline: float
    spent_by: str = ""


class PairingListed(Struct, frozen=True):
    """`open_seconds`: how long pairing stays open; 0 closed, None without end (the file says so)."""

    open_seconds: float | None
    pending: tuple[PendingRequest, ...]
    boards: tuple[PairedBoard, ...]
    tokens: tuple[IssuedToken, ...]


class AnswersOrder(Protocol):
    def tell(self, message: Done | Refused, /) -> None: ...


class AnswersList(Protocol):
    def tell(self, message: PairingListed, /) -> None: ...


class OpenPairing(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    seconds: float
    reply_to: AnswersOrder


class ClosePairing(Struct, frozen=True):
    """Close, and void every token that is not spent."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    reply_to: AnswersOrder


class MakeToken(Struct, frozen=True):
    """Let the bearer of a secret be `node` within `seconds`; `replace`: even if another key is that node now."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    digest: str
    seconds: float
    replace: bool
    reply_to: AnswersOrder


class ApproveRequest(Struct, frozen=True):
    """A person compared the words. `fingerprint`: of the request that was compared, not of a later one."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    fingerprint: str
    replace: bool
    reply_to: AnswersOrder


class RejectRequest(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    fingerprint: str
    reply_to: AnswersOrder


class RevokeBoard(Struct, frozen=True):
    """The key of `node` is no board's any more, for ever."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    reply_to: AnswersOrder


class ListPairing(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reply_to: AnswersList


# ---------------------------------------------------------------- what others are told


class BoardsAdmitted(Struct, frozen=True):
    """Enrolment → ports: the whole truth, node by key fingerprint; who is not in it is no board of the park."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    nodes: Mapping[str, str]


class BoardRevoked(Struct, frozen=True):
    """Enrolment → ports: end what runs with this key."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    node: str
    fingerprint: str


class PairingPortWanted(Struct, frozen=True):
    """Enrolment → pairing port: listen, or do not."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    open: bool

"""What the enrolment is told and what it answers: requests of boards, orders of people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, TypeAlias

from park.model.access import Done, Refused
from park.model.delivery import Delivery

# ---------------------------------------------------------------- boards


@dataclass(frozen=True, slots=True)
class Admitted:
    """This key is a board of the park, on disk: it may have a certificate for `node`."""

    node: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class JoinPending:
    """A person has to compare the words and approve; `reason` says why a token or a list was not enough."""

    reason: str


@dataclass(frozen=True, slots=True)
class JoinRefused:
    """`retry_seconds` None: asking again is of no use until somebody does something."""

    reason: str
    retry_seconds: float | None = None


JoinAnswer: TypeAlias = Admitted | JoinPending | JoinRefused


class AnswersJoin(Protocol):
    def tell(self, message: JoinAnswer, /) -> None: ...


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """Pairing port → enrolment: the holder of a key (it signed the request) wants to be `node`. `peer`: its host."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    node: str
    fingerprint: str
    secret: bytes | None = field(repr=False)
    peer: str
    reply_to: AnswersJoin


@dataclass(frozen=True, slots=True)
class CertificateIssued:
    """Pairing or boards port → enrolment, after an answer `Admitted`."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    fingerprint: str
    serial: str
    until: datetime


# ---------------------------------------------------------------- people


@dataclass(frozen=True, slots=True)
class PairedBoard:
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


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A board that waits for a person; forgotten at `deadline` (mono) when it does not ask again."""

    node: str
    fingerprint: str
    peer: str
    since: datetime
    deadline: float


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A join token: `deadline` (mono) holds while the node runs, `expires` across its restart."""

    digest: str
    node: str
    replace: bool
    made: datetime
    expires: datetime
    deadline: float
    spent_by: str = ""


@dataclass(frozen=True, slots=True)
class PairingListed:
    """`open_seconds`: how long pairing stays open; 0 closed, None without end (the file says so)."""

    open_seconds: float | None
    pending: tuple[PendingRequest, ...]
    boards: tuple[PairedBoard, ...]
    tokens: tuple[IssuedToken, ...]


class AnswersOrder(Protocol):
    def tell(self, message: Done | Refused, /) -> None: ...


class AnswersList(Protocol):
    def tell(self, message: PairingListed, /) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenPairing:
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    seconds: float
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class ClosePairing:
    """Close, and void every token that is not spent."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class MakeToken:
    """Let the bearer of a secret be `node` within `seconds`; `replace`: even if another key is that node now."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    digest: str
    seconds: float
    replace: bool
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """A person compared the words. `fingerprint`: of the request that was compared, not of a later one."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    fingerprint: str
    replace: bool
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class RejectRequest:
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    fingerprint: str
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class RevokeBoard:
    """The key of `node` is no board's any more, for ever."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    node: str
    reply_to: AnswersOrder


@dataclass(frozen=True, slots=True)
class ListPairing:
    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reply_to: AnswersList


# ---------------------------------------------------------------- what others are told


@dataclass(frozen=True, slots=True)
class BoardsAdmitted:
    """Enrolment → ports: the whole truth, node by key fingerprint; who is not in it is no board of the park."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    nodes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BoardRevoked:
    """Enrolment → ports: end what runs with this key."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    node: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PairingPortWanted:
    """Enrolment → pairing port: listen, or do not."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    open: bool

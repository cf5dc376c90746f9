"""DataTransfer between the backend and services on site (OCPP 1.6 §5.5): who listens, and who waits for an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, TypeAlias

from msgspec import Struct, field

from park.model.delivery import Delivery

LEAST_ANSWER_SECONDS, MOST_ANSWER_SECONDS = 1.0, 60.0  # B-212
DEFAULT_ANSWER_SECONDS = 1.0  # B-212
FORBIDDEN = "/ +#$"  # B-213
OWN_VENDOR = "chargepark"  # of our own DataTransfer
LONGEST_ID = 255  # OCPP 1.6: CiString255Type
LONGEST_MESSAGE = 50  # OCPP 1.6: CiString50Type
MOST_WAITING = 20  # ours: transfers of all services that wait for the link; more are refused


class TransferResult(Struct, frozen=True):
    """The backend's answer to a service. `status`: as OCPP names it."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    status: str
    data: str | None


class TransferFailed(Struct, frozen=True):
    """There is no answer; `reason` says why and what to do."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    reason: str


TransferOutcome: TypeAlias = TransferResult | TransferFailed


class TakesTransferOutcome(Protocol):
    def tell(self, message: TransferOutcome, /) -> None: ...


class ServiceAttached(Struct, frozen=True):
    """A service answers for this vendor from now on, each question within so many seconds."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    vendor_id: str
    answer_seconds: float = DEFAULT_ANSWER_SECONDS


class ServiceLeft(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    vendor_id: str


class TransferAnswered(Struct, frozen=True):
    """A service's answer to `ForwardTransfer`."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    status: str
    data: str | None


class TransferWanted(Struct, frozen=True):
    """A service has something for the backend."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    vendor_id: str
    message_id: str | None
    data: str | None
    reply_to: TakesTransferOutcome


ServiceEvent: TypeAlias = ServiceAttached | ServiceLeft | TransferAnswered | TransferWanted


class ForwardTransfer(Struct, frozen=True):
    """Effect: ask the service of this vendor. `request_id`: the backend's unique id, the same in the answer (B-212)."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    vendor_id: str
    message_id: str | None
    data: str | None


class TransferDone(Struct, frozen=True):
    """Effect: tell the service."""

    reply_to: TakesTransferOutcome
    outcome: TransferOutcome

    def give(self) -> None:
        self.reply_to.tell(self.outcome)


class Asked(Struct, frozen=True):
    """A question of the backend that its service has; until `deadline` (mono) on connection `link`."""

    vendor_id: str
    deadline: float
    link: int


class Services(Struct, frozen=True):
    """`attached`: seconds for an answer, by vendor. `asked`: by unique id. `waiting`: for the link, oldest first."""

    attached: Mapping[str, float] = field(default_factory=dict[str, float])
    asked: Mapping[str, Asked] = field(default_factory=dict[str, Asked])
    waiting: tuple[TransferWanted, ...] = ()


def wrong_vendor(vendor_id: str, own: str) -> str | None:
    """Why no service may answer for this vendor; None: it may."""
    if not 0 < len(vendor_id) <= LONGEST_ID:
        return f"a vendor id has 1 to {LONGEST_ID} characters, this one {len(vendor_id)}"
    if any(each in FORBIDDEN or not each.isprintable() for each in vendor_id):
        return f"vendor id {vendor_id!r} has one of {', '.join(map(repr, FORBIDDEN))} or a control character in it"
    if vendor_id == own:
        return f"{vendor_id!r} is this station's own vendor id, which it answers for itself"
    return None

"""What the central system and its websocket edge say to each other: calls, answers, and the state of the link."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, TypeAlias

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.secrets import without
from park.ocpp.connection import ConnectionSettings

Payload: TypeAlias = Mapping[str, object]
"""A JSON object with OCPP's own camelCase names."""


class LinkUp(Struct, frozen=True):
    """The backend accepted the websocket. `link` numbers the connections of this process; calls and results name it."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    link: int


class LossCause(Enum):
    """Why there is no connection, as far as the security log cares."""

    NETWORK = "network"  # or anything else
    CREDENTIALS = "credentials"  # the backend refused password, identity or certificate
    CERTIFICATE = "certificate"  # the backend's is not trusted
    TLS_VERSION = "TLS version"
    CIPHER = "TLS cipher suite"


class LinkLost(Struct, frozen=True):
    """There is no connection; repeated with the newest reason after each failed attempt."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    reason: str
    cause: LossCause = LossCause.NETWORK


class CallAnswered(Struct, frozen=True):
    """A CALLRESULT whose payload satisfied the schema of the call's action."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    unique_id: str
    payload: Payload


class CallFailed(Struct, frozen=True):
    """A CALLERROR, or a call or answer that broke its schema."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    unique_id: str
    code: str
    description: str


class BackendCalled(Struct, frozen=True):
    """A CALL of the backend whose payload satisfied the schema of a known action, or whose action is unknown."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    unique_id: str
    action: str
    payload: Payload  # it may hold a password

    def __repr__(self) -> str:
        return without(self, "payload")


LinkEvent: TypeAlias = LinkUp | LinkLost | CallAnswered | CallFailed | BackendCalled


class ForLink:
    """What the websocket edge is told."""

    __slots__ = ()


class SendCall(Struct, ForLink, frozen=True):
    """For the connection `link` only: on another one the edge drops it, the central system has long counted it lost."""

    unique_id: str
    action: str
    payload: Payload
    link: int


class SendResult(Struct, ForLink, frozen=True):
    unique_id: str
    action: str
    payload: Payload
    link: int


class SendError(Struct, ForLink, frozen=True):
    unique_id: str
    code: str
    description: str
    link: int


class ResetLink(Struct, ForLink, frozen=True):
    """Close the connection and make a new one: the backend does not answer on this one (B-011)."""

    link: int
    reason: str


class ReportLink(Struct, ForLink, frozen=True):
    """Tell `LinkUp` or `LinkLost` again: the central system began anew and knows nothing of the link."""


class UseConnection(Struct, ForLink, frozen=True):
    """Connect with these settings from now on; a connection with others is ended."""

    settings: ConnectionSettings
    answer_seconds: float  # B-008: for a connection to come about


class KeepAlive(Struct, ForLink, frozen=True):
    """How to see that a connection is alive, this one and the next: seconds; `ping_interval` 0: no pings (B-004)."""

    ping_interval: int
    pong_timeout: int


LinkOrder: TypeAlias = SendCall | SendResult | SendError | ResetLink | ReportLink | UseConnection | KeepAlive

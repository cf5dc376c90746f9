"""Limits from many sources: what somebody wants of a circuit or a charge point, and what comes of it."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Protocol, TypeAlias

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.electric import PerPhase


class LimitKind(Enum):
    """Where a limit comes from; the values are names of `Reason.limit`."""

    OPERATOR = "operator"
    ENERGY_MANAGER = "energy_manager"
    PROFILE = "profile"
    TIMETABLE = "timetable"
    INPUT = "input"
    SOLAR = "solar"
    BUDGET = "budget"  # of a group, by the coordinator above


EXPIRED = "expired"
"""The name in `Reason.limit` of what holds since a limit ran out."""


class Limit(Struct, frozen=True):
    """At most so much on a circuit, or at a charge point (NODE/CHARGE_POINT); never more than the design.

    `limit_ma`: mA on L1, L2, L3; nobody divides it among them (B-266). `limit_w`: W on the sum of the phases. At least
    one of them. Of several limits the smallest holds (B-262); `priority` says which of equal ones is named.
    `minimum_ma`: of a charge point, below it charging is not worth it (OCPP 1.6 §7.13 minChargingRate).
    (`target`, `kind`, `source`) is its name: set again, it replaces the one before (B-265).
    """

    target: str
    kind: LimitKind
    source: str
    limit_ma: PerPhase | None = None
    limit_w: int | None = None
    priority: int = 0
    minimum_ma: int = 0


class LimitAnswer(Struct, frozen=True):
    """What holds at the target now. `limit_ma`: the smallest of design and all limits, mA per phase.

    `limit_w`: the same for the sum of the phases of a circuit, None: not limited, with `power_source`. At a charge
    point watts are part of `limit_ma`, by the phases its vehicle uses.
    `bound_by`: whose that is, in words of `Reason.limit`, with `sources`. `binds`: the limit asked for is among them.
    `notes`: what of it has no effect, or another than expected, and why. `stored`: it is on disk, and there after a
    restart.
    """

    request_id: str
    target: str
    limit_ma: PerPhase
    bound_by: tuple[str, str, str]
    sources: tuple[str, str, str]
    binds: bool
    notes: tuple[str, ...] = ()
    stored: bool = True
    limit_w: int | None = None
    power_source: str = ""


class Refusal(Enum):
    """Why a limit was not taken."""

    INVALID = "invalid"
    NO_SUCH_TARGET = "no such target"
    NO_SUCH_LIMIT = "no such limit"
    TOO_MANY = "too many"


class LimitRefused(Struct, frozen=True):
    """Nothing changed. `reason`: a sentence with what to do."""

    request_id: str
    because: Refusal
    reason: str


LimitOutcome: TypeAlias = LimitAnswer | LimitRefused


class TakesLimitOutcome(Protocol):
    def tell(self, message: LimitOutcome, /) -> None: ...


class SetLimit(Struct, frozen=True):
    """Anybody → coordinator. In force at once, on disk before it is answered; `reply_to` None: nobody waits.

    `valid_seconds`: counted on the monotonic clock; None: until it is cleared.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    limit: Limit
    valid_seconds: float | None = None
    reply_to: TakesLimitOutcome | None = None


class ClearLimit(Struct, frozen=True):
    """Anybody → coordinator: the limit of this name does not hold any more, nor what holds since it ran out."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    target: str
    kind: LimitKind
    source: str
    reply_to: TakesLimitOutcome | None = None


class InputChanged(Struct, frozen=True):
    """Device edge → coordinator, authorizer, central system: level of a digital input of a node; None: not known.

    Told on change, and again and again for who forgot it.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    node: str
    number: int
    high: bool | None

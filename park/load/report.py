"""What the coordinator tells the views: why the current is what it is, for circuits and for charge points."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.electric import PerPhase
from park.model.grant import Reason
from park.model.metering import Quality

Bindings = tuple[str, str, str]
"""What binds on L1, L2, L3, in the words of `Reason.limit`."""


class CircuitReported(Struct, frozen=True):
    """One circuit, once an interval when something changed. Currents in mA per phase.

    `limit_ma`: the smallest of design and all limits in force. `external_ma`: foreign load counted for raises.
    `available_ma`: limit − external − headroom, at least 0. `committed_ma`: the worst the charge points may draw.
    `measured_ma`: what flows by the circuit's meter, None: unknown, or it sees only others. `meter` None: no meter.
    `unconfirmed`, `silent`: charge points whose newest grant is not read back, whose board does not speak.
    `holding`: the coordinator has just started and grants nothing yet.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    circuit: str
    parent: str | None
    limit_ma: PerPhase
    external_ma: PerPhase
    available_ma: PerPhase
    committed_ma: PerPhase
    measured_ma: PerPhase | None
    bound_by: Bindings
    meter: Quality | None
    unconfirmed: tuple[str, ...]
    silent: tuple[str, ...]
    holding: bool


class ShareReported(Struct, frozen=True):
    """One charge point's share: `target_ma` by the newest plan, `granted_ma` told, `committed_ma` counted, and why."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    charge_point: str
    target_ma: int
    granted_ma: int
    committed_ma: int
    confirmed: bool
    reason: tuple[Reason, ...]


class LimitReported(Struct, frozen=True):
    """A limit in force. `kind` in words of `Reason.limit`; `until`: mono, None: until cleared.

    `limit_ma`, `limit_w`: what was asked for; once it ran out (`kind` expired), what holds since.
    """

    target: str
    kind: str
    source: str
    limit_ma: PerPhase | None
    limit_w: int | None
    priority: int
    until: float | None


class LimitsReported(Struct, frozen=True):
    """All limits in force beside the design, by target, once an interval when something changed."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    limits: tuple[LimitReported, ...]


class EpochTaken(Struct, frozen=True):
    """A higher epoch, or our own of an earlier life, was heard: this one is used from now on and must be persisted."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    epoch: int

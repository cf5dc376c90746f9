"""What a charge point shows of itself: one immutable record for the park view, told when it changed."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from park.model.access import ConnectorStatus
from park.model.delivery import Delivery
from park.model.electric import PerPhase, Phases
from park.model.evse import PilotState
from park.model.grant import Reason


class ReportedGrant(Struct, frozen=True):
    """The current that binds the point. `ends`: mono at which the lease runs out; in the past once it lapsed."""

    amps_ma: int
    phases: Phases
    epoch: int
    sequence: int
    ends: float
    reason: tuple[Reason, ...]


class ReportedSession(Struct, frozen=True):
    id: str
    transaction: int | None
    started_at: datetime
    energy_wh: int | None  # None: no meter
    authorized_by: str


class ReportedFault(Struct, frozen=True):
    code: str
    since: datetime
    cause: str
    remedy: str


class ChargePointReported(Struct, frozen=True):
    """Everything about one charge point. None means unknown. No id tags.

    `state`: None before the electronics reported or while they are away. `measured_ma`: fresh readings of the point's
    own meter only. `energy_wh`: its import register. `plugged_since`: mono, None without vehicle.
    `charging_seconds`: time in state C or D of this plug-in before `charging_since` (mono, None: not in C or D).
    `refused_grant`: why the newest grant that was not taken was refused.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    name: str
    node: str
    connector: int
    circuit: str
    state: PilotState | None
    ocpp_status: ConnectorStatus
    grant: ReportedGrant | None
    signalled_ma: int | None
    measured_ma: PerPhase | None
    fallback_ma: int
    energy_wh: int | None
    session: ReportedSession | None
    faults: tuple[ReportedFault, ...]
    contactor_closed: bool | None
    lock_closed: bool | None
    cable_ma: int | None
    plugged_since: float | None
    charging_since: float | None
    charging_seconds: float
    refused_grant: str | None

    def with_figures(
        self, measured_ma: PerPhase | None, energy_wh: int | None, session: ReportedSession | None
    ) -> ChargePointReported:
        """The same with a newer reading, built directly: this happens each second at each point, `replace` is slow."""
        return ChargePointReported(
            self.name,
            self.node,
            self.connector,
            self.circuit,
            self.state,
            self.ocpp_status,
            self.grant,
            self.signalled_ma,
            measured_ma,
            self.fallback_ma,
            energy_wh,
            session,
            self.faults,
            self.contactor_closed,
            self.lock_closed,
            self.cable_ma,
            self.plugged_since,
            self.charging_since,
            self.charging_seconds,
            self.refused_grant,
        )


def charging_duration(report: ChargePointReported, mono: float) -> float:
    """Seconds of this plug-in in state C or D (B-334)."""
    running = 0.0 if report.charging_since is None else mono - report.charging_since
    return report.charging_seconds + running


def plugged_duration(report: ChargePointReported, mono: float) -> float:
    """Seconds since the vehicle was connected; 0 without one (B-334)."""
    return 0.0 if report.plugged_since is None else mono - report.plugged_since
